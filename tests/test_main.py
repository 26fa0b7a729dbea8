"""The command line: the demo, the information for a bug report, and refusals in one sentence."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys

import numpy as np
import pellucid
import pytest
from pellucid.__main__ import main
from pellucid._terminal import bar, paragraph, writable

pytest.importorskip("sklearn")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_demo_prints_numbers_with_errors_and_writes_a_page_without_scripts(here, capsys):
    code, out, err = run(capsys, "demo", "--rows", "4", "--budget", "6000")
    assert code == 0
    assert not err or err.startswith("\rShapley values")  # progress, where the machine is slow
    assert "±" in out
    assert "standard error" in out
    assert "A page to keep: pellucid-demo.html" in out
    assert max(map(len, out.splitlines())) <= 80
    page = (here / "pellucid-demo.html").read_text(encoding="utf-8")
    assert "<script" not in page.lower()
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/", "")
    assert "Why does this model call a tumour malignant?" in page
    assert "worst area" in page


def test_the_same_seed_gives_the_same_numbers(here, capsys):
    def numbers(seed):
        out = run(capsys, "demo", "--rows", "1", "--budget", "3000", "--seed", str(seed))[1]
        return [line for line in out.splitlines() if "±" in line]

    assert numbers(3) == numbers(3)
    assert numbers(3) != numbers(4)


def test_a_budget_too_small_for_standard_errors_says_so(here, capsys):
    code, out, _ = run(capsys, "demo", "--rows", "1", "--budget", "500")
    assert code == 0
    assert "too small for standard errors" in out


def test_demo_writes_where_it_is_told(here, capsys):
    (here / "pages").mkdir()
    code, out, _ = run(capsys, "demo", "--rows", "1", "--budget", "2000", "--out", "pages/mine.html")
    assert code == 0
    assert (here / "pages" / "mine.html").stat().st_size > 5000
    assert not (here / "pellucid-demo.html").exists()
    assert "mine.html" in out


def test_demo_works_without_pandas(here, capsys, monkeypatch):
    really_import = builtins.__import__

    def without_pandas(name, *arguments, **options):
        if name == "pandas":
            raise ImportError(name)
        return really_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    code, out, _ = run(capsys, "demo", "--rows", "1", "--budget", "2000")
    assert code == 0
    assert "worst area" in out


def test_a_missing_scikit_learn_is_named_with_the_command_that_installs_it(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    code, out, err = run(capsys, "demo")
    assert code == 2
    assert not out
    assert 'pip install "pellucid[demo]"' in err
    assert 'pip install ".[demo]"' in err
    assert not (here / "pellucid-demo.html").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "--out", "nowhere/page.html"], "must be in a folder that exists"),
        (["demo", "--out", "."], "must name a file"),
        (["demo", "--budget", "300"], "too small"),
        (["demo", "--seed", "-1"], "seed must be a whole number"),
    ],
)
def test_refusals_are_one_sentence_and_exit_code_2(here, capsys, arguments, sentence):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert sentence in err
    assert err.startswith("pellucid demo: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["demo", "--rows", "0"], ["demo", "--rows", "few"], ["info", "--loud"]]
)
def test_arguments_that_are_none_exit_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m pellucid" in capsys.readouterr().err


def test_info_prints_versions_and_the_number_of_threads(capsys):
    code, out, _ = run(capsys, "info")
    assert code == 0
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["pellucid"] == pellucid.__version__
    assert facts["numpy"] == np.__version__
    assert "threads" in facts["core"]
    assert {"scikit-learn", "pandas", "polars", "matplotlib"} <= set(facts)


def test_the_version_is_asked_with_a_flag(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.strip() == f"pellucid {pellucid.__version__}"


def test_a_terminal_of_plain_ascii_gets_ascii(tmp_path):
    path_entries = [os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(path_entries)}
    command = [sys.executable, "-m", "pellucid", "demo", "--rows", "1", "--budget", "2000"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    text = done.stdout.decode("ascii")
    assert "+-" in text
    assert "?" not in text.replace("malignant?", "")
    assert max(map(len, text.splitlines())) <= 80


def test_characters_an_encoding_lacks_are_replaced():
    assert writable("1 ± 2 … █│ −3", encoding="utf-8") == "1 ± 2 … █│ −3"
    assert writable("1 ± 2 … █│ −3", encoding="ascii") == "1 +- 2 ... #| -3"
    assert writable("ü ±", encoding="latin-1") == "ü ±"
    assert writable("±", encoding="no such encoding") == "+-"


def test_bars_and_paragraphs_stay_in_their_width():
    assert bar(0.0, scale=0.0, half=3) == "   │"
    assert bar(5.0, scale=1.0, half=3) == "   │███"
    assert all(len(line) <= 80 for line in paragraph("word " * 100))
