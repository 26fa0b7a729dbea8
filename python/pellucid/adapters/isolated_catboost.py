"""Run as a program: a binary CatBoost file in, the library's own JSON dump of it out.

The library trusts its files, so a damaged one can crash or stall it. Here that ends a child process with limits instead
of the caller's. This file imports nothing of the package: it is started by its path, isolated from the caller's folder
and variables.
"""

import contextlib
import sys

# What the library and numpy map before any model is read, mostly stacks of threads that are never touched.
_OWN_BYTES = 4 << 30
_CPU_SECONDS = 120


def _set_limits(size: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the caller's time limit alone
        return
    limits = {
        resource.RLIMIT_AS: _OWN_BYTES + 64 * size,
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: (64 << 20) + 64 * size,
    }
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(name, (most, most))


def main(source: str, target: str, size: int) -> None:
    _set_limits(size)
    import catboost

    model = catboost.CatBoost()
    model.load_model(source)
    model.save_model(target, format="json")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
