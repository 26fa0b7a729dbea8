"""Makes the reference twins importable: `from reference.shapley_exact import rational_shapley`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
