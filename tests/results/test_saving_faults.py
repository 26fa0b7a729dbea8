"""Saving while the world ends: the old file stays whole, and so does the next save."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from pellucid.results import Attribution

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and limits")

NEW = "Attribution.from_array(np.ones((400, 5, 2)), parts=list('abcde'), outputs=['x', 'y'], base_values=[0.0, 0.0])"
PRELUDE = f"""
import os, resource, signal, sys, zipfile
import numpy as np
from pellucid.results import Attribution

path, new = sys.argv[1], {NEW}
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""

# How it ends -> (what the child does, its exit status).
ENDS = {
    "killed before the data is on the disk": ("os.fsync = die; new.save(path)", -9),
    "killed before the old file is replaced": ("os.replace = die; new.save(path)", -9),
    "killed before the directory of the archive": ("zipfile.ZipFile.close = die; new.save(path)", -9),
    "no room": (
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            new.save(path)
        except OSError as error:
            sys.exit(7)
        """,
        7,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_old_file_stays_whole(end, tmp_path):
    old = Attribution.from_array(np.zeros((2, 1, 1)), parts=["a"], outputs=["x"], base_values=[0.0])
    path = tmp_path / "a.npz"
    old.save(path)
    body, status = ENDS[end]

    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(body), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=60,
        check=False,
    )

    assert done.returncode == status
    assert Attribution.load(path) == old
    if status > 0:
        assert os.listdir(tmp_path) == ["a.npz"]
    eval(NEW).save(path)
    assert Attribution.load(path) == eval(NEW)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)

    with pytest.raises(PermissionError):
        eval(NEW).save(tmp_path / "a.npz")
