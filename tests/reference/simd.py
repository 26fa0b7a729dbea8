"""The levels of vector instructions that can run here."""

from pellucid import _core

LEVELS = ("baseline", "avx2", "avx512")
LEVELS = LEVELS[: LEVELS.index(_core.best_simd_level()) + 1]
