"""The rules of the house, from the source itself: which way dependencies go, and what no file may do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pellucid
import pytest

ROOT = Path(__file__).resolve().parents[1]
# An installed package has its own copy: the rules are checked on the source tree.
PACKAGE = ROOT / "python" / "pellucid"
CORE = ROOT / "cpp" / "pellucid"
PYTHON = sorted(PACKAGE.rglob("*.py"))
# The stand-alone driver of the sanitizers starts threads of its own: it is a caller of the core, not a part of it.
CPP = sorted(p for room in (CORE, ROOT / "cpp" / "bindings") for p in room.rglob("*") if p.suffix in {".hpp", ".cpp"})

# A room may import from itself, and from the rooms before its line.
ROOMS = [
    {"errors"},
    {"helpers"},
    {"space"},
    {"whitebox"},
    {"adapters"},
    {"model"},
    {"results"},
    {"representation"},
    {"games"},
    {"estimation"},
    {"attribution", "importance", "effects", "surrogates", "training", "counterfactuals", "recourse", "trust"},
    {"plots"},
    {"__main__", "__init__"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
# Files at the top of the package that belong to a room; those of no line here are rooms of their own name.
FILES = {
    "_arguments": "helpers",
    "_student": "helpers",
    "progress": "helpers",
    "_demo": "__main__",
    "_info": "__main__",
    "_terminal": "__main__",
}
# An upward import that the design allows, with its reason.
ALLOWED: set[tuple[str, str]] = set()

CPP_ROOMS = [
    {"types", "check", "thread_pool", "parallel", "random", "eigenpairs"},
    {"sampling", "regression", "trees", "networks"},
    {"shapley", "influence", "counterfactuals", "metrics", "population"},
    {"bindings"},
]
CPP_LEVEL = {room: level for level, rooms in enumerate(CPP_ROOMS) for room in rooms}

HEAVY = {"scipy", "pandas", "polars", "pyarrow", "sklearn", "matplotlib", "torch", "xgboost", "lightgbm", "shap"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


over_python = pytest.mark.parametrize("path", PYTHON, ids=name_of)


def room_of(module: str) -> str:
    """Room of a module below the package: "results.html" -> "results"."""
    top = module.split(".")[0]
    return FILES.get(top, top)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def typing_only(tree: ast.Module) -> set[int]:
    """Nodes below `if TYPE_CHECKING:`."""
    guarded = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    return {id(child) for node in guarded for statement in node.body for child in ast.walk(statement)}


def imported(tree: ast.Module) -> list[tuple[str, int]]:
    """Absolute names of all modules that a file imports, inside functions too, with the line."""
    skip, found = typing_only(tree), []
    for node in ast.walk(tree):
        if id(node) in skip:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            if module == "pellucid":
                found += [(f"pellucid.{alias.name}", node.lineno) for alias in node.names]
            else:
                found.append((module, node.lineno))
    return found


def at_module_level(tree: ast.Module) -> list[str]:
    """What is imported when the module is: everything outside of functions."""
    skip, found = typing_only(tree), []
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if id(node) in skip or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
        waiting += list(ast.iter_child_nodes(node))
    return found


def test_every_file_of_the_map_is_there():
    assert {file for file in FILES if not (PACKAGE / f"{file}.py").exists()} == set()


def test_the_source_is_there():
    assert len(PYTHON) > 30
    assert len(CPP) > 20
    rooms = {room_of(module_of(path)) for path in PYTHON}
    assert rooms <= set(LEVEL), f"give the new rooms {rooms - set(LEVEL)} their place in ROOMS or FILES"


@over_python
def test_python_rooms_depend_one_way(path):
    room = room_of(module_of(path))
    wrong = []
    for module, line in imported(tree_of(path)):
        if not module.startswith("pellucid."):
            continue
        target = room_of(module.removeprefix("pellucid."))
        if target in {"_core", "__version__"} or target == room or (room, target) in ALLOWED:
            continue
        if LEVEL[target] >= LEVEL[room]:
            wrong.append(f"line {line}: {room} imports {target} ({module})")
    assert not wrong, f"{name_of(path)}: {'; '.join(wrong)}"


@over_python
def test_heavy_libraries_are_imported_where_they_are_used(path):
    heavy = {module.split(".")[0] for module in at_module_level(tree_of(path))} & HEAVY

    assert not heavy, f"{name_of(path)} imports {heavy} when it is imported"


@over_python
def test_no_print_and_no_global_random_numbers(path):
    tree = tree_of(path)
    prints = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    randoms = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node).startswith(("np.random.", "numpy.random."))
        and node.attr not in {"Generator", "default_rng", "SeedSequence", "random"}
    ]
    modules = {module for module, _ in imported(tree)}

    assert room_of(module_of(path)) in {"__main__"} or not prints, f"print in lines {prints}"
    assert not randoms, f"global random state in lines {randoms}"
    assert "random" not in modules, "the standard library's random has a global state"


PREDICTING = {"predict", "predict_proba", "decision_function", "predict_raw"}


@over_python
def test_only_the_door_calls_the_model(path):
    room = room_of(module_of(path))
    if room in {"model", "adapters", "__main__", "surrogates"} or path.name == "white_box.py":
        pytest.skip("the door itself, an example, or a surrogate of ours to fit")
    calls = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PREDICTING
    ]

    assert not calls, f"{name_of(path)} calls a model in lines {calls}"


@pytest.mark.parametrize("path", [*PYTHON, *CPP, *sorted((ROOT / "tests").rglob("*.py"))], ids=name_of)
def test_files_are_short(path):
    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= 400, f"{name_of(path)} has {lines} lines, the limit is 400"


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def cpp_room(relative: str) -> str:
    return Path(relative).parts[0].split(".")[0]


@pytest.mark.parametrize("path", CPP, ids=name_of)
def test_cpp_rooms_depend_one_way(path):
    inside = path.is_relative_to(CORE)
    room = cpp_room(str(path.relative_to(CORE))) if inside else "bindings"
    wrong = []
    for header in includes(path):
        if header.startswith("pellucid/"):
            target = cpp_room(header.removeprefix("pellucid/"))
            basic = CPP_LEVEL[room] == CPP_LEVEL[target] == 0
            if target != room and not basic and CPP_LEVEL[target] >= CPP_LEVEL[room]:
                wrong.append(header)
        elif inside and re.match(r"pybind11|Python\.h|bindings", header):
            wrong.append(header)
    assert not wrong, f"{name_of(path)} includes {wrong}"


def test_one_parallel_loop():
    """The thread pool alone starts threads, parallel.cpp alone gives it work, and nothing uses OpenMP."""
    pragma = {name_of(p) for p in CPP if re.search(r"#\s*pragma\s+omp\b|#\s*include\s*<omp\.h>", p.read_text("utf-8"))}
    pooled = {name_of(p) for p in CPP if re.search(r"\bThreadPool::instance\(\)\.", p.read_text("utf-8"))}
    threads = {name_of(p) for p in CPP if re.search(r"\bstd::(j?thread|async)\b", p.read_text("utf-8"))}

    assert not pragma
    assert pooled == {"cpp/pellucid/parallel.cpp"}
    # parallel.cpp asks std::thread for the number of processors.
    assert threads <= {"cpp/pellucid/parallel.cpp", "cpp/pellucid/thread_pool.cpp"}


def test_the_core_draws_no_foreign_random_numbers():
    pattern = r"\bstd::(mt19937|random_device|default_random_engine|\w+_distribution|shuffle)\b|\bs?rand\("
    foreign = {name_of(path) for path in CPP if re.search(pattern, path.read_text("utf-8"))}

    assert not foreign


def test_importing_is_light():
    """In a process of its own: nothing heavy comes with the package."""
    script = f"import sys, pellucid; print(sorted({HEAVY!r} & {{name.split('.')[0] for name in sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    assert len(set(pellucid.__all__)) == len(pellucid.__all__)
    for name in pellucid.__all__:
        assert hasattr(pellucid, name)


# Folders of one machine, numbers of a tracker, notes to oneself.
MADE = re.compile(r"/tmp/|/work/|/root/|/home/\w|(?<![\w/])shared/|\bissue #|\bPR #|\b(?:TODO|FIXME|XXX)\b")
WRITTEN = sorted(
    {
        *PYTHON,
        *(p for p in (ROOT / "cpp").rglob("*") if p.suffix in {".hpp", ".cpp"}),
        *(p for room in ("docs", "benchmarks") for p in (ROOT / room).rglob("*") if p.suffix in {".md", ".py", ".bib"}),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "CMakeLists.txt", ".ci/run")),
    }
)


@pytest.mark.parametrize("path", WRITTEN, ids=name_of)
def test_no_file_speaks_of_how_it_was_made(path):
    assert MADE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("python3 -m venv /tmp/there", True),
        ("see issue #12", True),
        ("in shared/notes.md", True),
        ("# TODO: later", True),
        ("a design shared by all rows; an issue; std::tmpnam; template", False),
    ],
)
def test_the_words_that_no_file_has(text, found):
    assert bool(MADE.search(text)) == found


def test_the_plots_come_when_asked_for():
    script = "import sys, pellucid; assert 'plots' in dir(pellucid); assert 'pellucid.plots' not in sys.modules; "
    script += "pellucid.plots.waterfall; assert 'matplotlib' not in sys.modules"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
