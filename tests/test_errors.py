"""The error classes: one family, all catchable as ValueError."""

from __future__ import annotations

import inspect

import pytest
from pellucid import errors

PUBLIC = (
    "InputError",
    "ModelOutputError",
    "BudgetError",
    "NumericalError",
    "ModelFormatError",
    "SaveFormatError",
)


def test_the_six_errors_are_all_there_is_beside_base_and_warning():
    classes = {name for name, value in vars(errors).items() if inspect.isclass(value)}

    assert classes == {*PUBLIC, "PellucidError", "PellucidWarning"}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_error_is_a_pellucid_error_and_a_value_error(name):
    error = getattr(errors, name)

    assert error.__bases__ == (errors.PellucidError,)
    assert issubclass(error, ValueError)


def test_the_warning_is_a_user_warning_and_no_error():
    assert issubclass(errors.PellucidWarning, UserWarning)
    assert not issubclass(errors.PellucidWarning, errors.PellucidError)


@pytest.mark.parametrize("name", [*PUBLIC, "PellucidError", "PellucidWarning"])
def test_every_class_says_in_one_line_what_it_is_for(name):
    doc = getattr(errors, name).__doc__

    assert doc.endswith(".")
    assert "\n" not in doc
