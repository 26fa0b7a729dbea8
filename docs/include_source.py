"""Copy the real source into the documents again: python docs/include_source.py

A block of code below a comment `<!-- source: path | first | last -->` is the part of that file from the first line that
holds `first` to the next line that holds `last`, or that starts with it where it is written with a `^`. A test checks
that the documents are up to date.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(
    r"(?P<head><!-- source: (?P<path>\S+) \| (?P<first>[^\n]+?) \| (?P<last>[^\n]+?) -->\n```\w*\n).*?^```",
    re.DOTALL | re.MULTILINE,
)


def excerpt(path: str, first: str, last: str) -> str:
    """The lines of a source file from `first` to `last`; ValueError when they are not there."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    start = next((i for i, line in enumerate(lines) if _meant(line, first)), None)
    if start is None:
        raise ValueError(f"{path} has no line with {first!r}")
    stop = next((i for i in range(start, len(lines)) if _meant(lines[i], last)), None)
    if stop is None:
        raise ValueError(f"{path} has no line with {last!r} after {first!r}")
    return textwrap.dedent("\n".join(lines[start : stop + 1]))


def _meant(line: str, words: str) -> bool:
    return line.startswith(words[1:]) if words.startswith("^") else words in line


def included(text: str) -> str:
    """The document with every excerpt as the source has it now."""
    return MARK.sub(lambda m: m["head"] + excerpt(m["path"], m["first"], m["last"]) + "\n```", text)


def main() -> None:
    for document in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]):
        text = document.read_text(encoding="utf-8")
        fresh = included(text)
        if fresh != text:
            document.write_text(fresh, encoding="utf-8")
            print(f"{document.relative_to(ROOT)}: brought up to date")


if __name__ == "__main__":
    main()
