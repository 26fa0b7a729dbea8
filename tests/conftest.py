"""Makes the reference twins importable: `from reference.shapley_exact import rational_shapley`.

Libraries of models bring threads that spin while they wait for each other. Where the workers of pytest have taken the
processors, a fit of milliseconds so becomes one of seconds; here they sleep instead, and BLAS has no threads.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """The longest first, so that no worker is left with one of them at the end."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)
