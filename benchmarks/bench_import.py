"""Import time, modules that stay out, and the size of the installed core. See README.md."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from reporting import HERE, heading, median, table, write_section

MUST_STAY_OUT = ("scipy", "pandas", "matplotlib", "polars", "pyarrow", "sklearn")
NOT_OURS = ("pip", "setuptools", "wheel", "_distutils_hack", "distutils-precedence")


def fresh(code: str, python: str = sys.executable) -> str:
    """What the code prints in a new interpreter that starts outside the tree."""
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=tempfile.gettempdir())
    return run.stdout.strip()


def import_seconds(module: str, repeats: int) -> list[float]:
    code = f"from time import perf_counter; start = perf_counter(); import {module}; print(perf_counter() - start)"
    fresh(code)  # the first one fills the caches of the disk
    return [float(fresh(code)) for _ in range(repeats)]


def installed_sizes(tree: Path) -> dict[str, float]:
    """MB of each entry of site-packages after `pip install` of the tree into a new environment."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        places = (Path(folder, "bin/python"), Path(folder, "Scripts/python.exe"))
        python = next(place for place in places if place.exists())
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(tree)], check=True)
        site = Path(fresh("import sysconfig; print(sysconfig.get_path('platlib'))", str(python)))
        sizes: dict[str, float] = {}
        for entry in site.iterdir():
            if entry.name.startswith(NOT_OURS) or entry.name == "__pycache__":
                continue
            files = [entry] if entry.is_file() else [path for path in entry.rglob("*") if path.is_file()]
            name = entry.name.split("-")[0].removesuffix(".libs")
            sizes[name] = sizes.get(name, 0.0) + sum(path.stat().st_size for path in files) / 1e6
        return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="update results.md between its markers")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--tree", type=Path, default=HERE.parent, help="what pip installs for the size")
    parser.add_argument("--no-size", action="store_true", help="skip the fresh environment")
    arguments = parser.parse_args()

    seconds = {module: import_seconds(module, arguments.repeats) for module in ("pellucid", "numpy")}
    rows = [(f"import {m}", f"{1e3 * median(s):.0f} ms", f"{1e3 * min(s):.0f} ms") for m, s in seconds.items()]
    text = [heading(("pellucid", "numpy", "narwhals", "tqdm")), table(("fresh interpreter", "median", "least"), rows)]
    loaded = fresh(f"import sys, pellucid; print(*[m for m in {MUST_STAY_OUT} if m in sys.modules])")
    text.append(f"Of {', '.join(MUST_STAY_OUT)}, `import pellucid` loads: {loaded or 'none'}.")
    if not arguments.no_size:
        sizes = installed_sizes(arguments.tree)
        entries = sorted(sizes.items(), key=lambda item: -item[1])
        text.append(
            table(
                ("installed", "MB"),
                [*((n, f"{s:.1f}") for n, s in entries if s >= 0.05), ("**sum**", f"**{sum(sizes.values()):.1f}**")],
            )
        )
    page = "\n\n".join(text)
    print(page)
    if arguments.write:
        write_section("bench_import", page)


if __name__ == "__main__":
    main()
