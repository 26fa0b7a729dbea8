"""Kernels at every level of vector instructions, and the way back to the level and the threads that were set."""

import pytest
from pellucid import _core
from reference.simd import LEVELS


@pytest.fixture
def level_restored():
    before = _core.simd_level()
    yield
    _core.set_simd_level(before)
    _core.set_thread_count(0)


@pytest.fixture(params=LEVELS)
def level(request, level_restored):
    _core.set_simd_level(request.param)
    return request.param
