"""Documents: links resolve, references exist, excerpts are the real source, and every example runs."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path

import matplotlib
import numpy as np
import pellucid
import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
SOURCES = [
    path
    for folder in ("python", "cpp")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".hpp", ".cpp"}
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CITATION = re.compile(r"\[([a-z]+[12][0-9]{3}(?:, *[a-z]+[12][0-9]{3})*)\]")
BIB_KEY = re.compile(r"^@\w+\{([a-z]+[12][0-9]{3}),", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(pellucid.__path__, "pellucid.")
    if module.name not in {"pellucid._core", "pellucid.__main__"}
)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def cited(text: str) -> set[str]:
    return {key.strip() for keys in CITATION.findall(text) for key in keys.split(",")}


def bibliography() -> list[str]:
    return BIB_KEY.findall(read(ROOT / "docs" / "references.bib"))


def include_source():
    path = ROOT / "docs" / "include_source.py"
    spec = importlib.util.spec_from_file_location("include_source", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_documents_and_sources():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"} <= set(map(named, DOCUMENTS))
    assert len(SOURCES) > 50
    assert len(MODULES) > 30


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document):
    for target in LINK.findall(CODE.sub("", read(document))):
        if target.startswith(("https://", "#")):
            continue
        assert (document.parent / target.partition("#")[0]).exists(), f"{named(document)} links to {target}"


@pytest.mark.parametrize("path", [*SOURCES, *DOCUMENTS], ids=named)
def test_cited_references_exist(path):
    unknown = cited(read(path)) - set(bibliography())
    assert not unknown, f"{named(path)} cites {unknown}, not in docs/references.bib"


def test_references_are_there_once_and_are_cited():
    keys = bibliography()
    assert len(keys) == len(set(keys))
    uses = set().union(*(cited(read(path)) for path in [*SOURCES, *DOCUMENTS]))
    assert set(keys) <= uses, f"nobody cites {set(keys) - uses}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_excerpts_are_the_real_source(document):
    text = read(document)
    assert include_source().included(text) == text, "run: python docs/include_source.py"


def test_the_way_to_add_a_method_shows_source_of_every_room():
    shown = set(re.findall(r"<!-- source: (\S+) ", read(ROOT / "docs" / "adding_a_method.md")))
    for room in ("tests/reference/", "cpp/pellucid/", "cpp/bindings/", "python/pellucid/", "tests/properties/"):
        assert any(path.startswith(room) for path in shown), room


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(optionflags=options, verbose=False)
    report: list[str] = []
    for test in finder.find(module, extraglobs={"np": np}):
        runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_public_functions_and_classes_have_an_example():
    for name in pellucid.__all__:
        thing = getattr(pellucid, name)
        if isinstance(thing, type) and issubclass(thing, Exception | Warning):
            continue
        if callable(thing):
            assert thing.__doc__, name
            if thing is not pellucid.Feature:
                assert ">>>" in thing.__doc__, f"{name} has no example"


def python_blocks(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", read(document), re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks(ROOT / "README.md")
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) <= 10
    names: dict[str, object] = {}
    exec(compile(blocks[0], "README.md", "exec"), names)
    assert "prediction" in capsys.readouterr().out
    assert names["explanation"].values.shape == (5, 30, 1)
    assert {"row", "output", "part", "value", "attribution", "std_err"} <= set(names["table"].columns)
    assert len(names["table"]) == 5 * 30
    assert pellucid.Attribution.load("explanation.npz") == names["explanation"]


def test_the_readme_has_the_two_commands_and_a_picture_on_its_first_screen():
    first_screen = "\n".join(read(ROOT / "README.md").splitlines()[:30])
    commands = re.findall(r"^```sh\n(.*?)^```", read(ROOT / "README.md"), re.DOTALL | re.MULTILINE)
    assert commands == ['pip install ".[demo]" && python -m pellucid demo\n', 'pip install ".[test]" && pytest\n']
    assert all(command in first_screen for command in commands)
    assert "docs/images/waterfall.png" in first_screen


@pytest.mark.parametrize("image", sorted((ROOT / "docs" / "images").glob("*")), ids=lambda path: path.name)
def test_pictures_are_small_and_used(image):
    assert image.stat().st_size < 200_000
    assert any(f"images/{image.name}" in read(document) for document in DOCUMENTS)
