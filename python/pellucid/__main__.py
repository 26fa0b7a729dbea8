"""The command line: `python -m pellucid demo` and `python -m pellucid info`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

import pellucid
from pellucid._terminal import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded, 2 when an argument or the machine does not allow it."""
    options = _parser().parse_args(arguments)
    try:
        lines = options.run(options)
        for line in lines:
            say(line)
    except pellucid.PellucidError as error:
        say(f"pellucid {options.command}: {error}", to=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("interrupted", to=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read has seen enough, as `head` does; nothing is left to flush into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pellucid",
        description="Explains any model that can predict, and says how far its explanations can be trusted.",
    )
    parser.add_argument("--version", action="version", version=f"pellucid {pellucid.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    demo = commands.add_parser(
        "demo", help="train a model on the breast-cancer data, explain some of its answers, write a page"
    )
    demo.add_argument("--out", default="pellucid-demo.html", metavar="FILE", help="the page (%(default)s)")
    demo.add_argument("--rows", type=_at_least_one, default=12, metavar="N", help="test rows to explain (%(default)s)")
    demo.add_argument(
        "--budget",
        type=_at_least_one,
        default=100_000,
        metavar="N",
        help="model rows to pay per explained row, at most (%(default)s)",
    )
    demo.add_argument("--seed", type=int, default=0, metavar="N", help="names the sample (%(default)s)")
    demo.set_defaults(run=_demo)

    info = commands.add_parser("info", help="versions, threads and packages, for a bug report")
    info.set_defaults(run=_info)
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _demo(options: argparse.Namespace) -> Iterator[str]:
    from pellucid._demo import demo

    return demo(options.out, rows=options.rows, budget=options.budget, seed=options.seed)


def _info(options: argparse.Namespace) -> Iterator[str]:
    from pellucid._info import info

    return info()


if __name__ == "__main__":
    sys.exit(main())
