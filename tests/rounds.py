"""How often a test repeats what it does with other random numbers.

    PELLUCID_LONG_TESTS=1 python -m pytest

repeats it as often as the bounds were chosen for; without, often enough to see a fault of the usual size.
"""

import os

LONG = os.environ.get("PELLUCID_LONG_TESTS", "0") not in ("", "0")


def rounds(few: int, many: int) -> int:
    return many if LONG else few
