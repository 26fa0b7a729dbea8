"""The errors and warnings of pellucid, so that a caller can catch exactly what went wrong."""

from __future__ import annotations


class PellucidError(ValueError):
    """Any error that pellucid raises on purpose; its message says what to do."""


class InputError(PellucidError):
    """An argument breaks its rule: a wrong shape, type, name or value."""


class ModelOutputError(PellucidError):
    """The user's model returned something that is not one finite row of numbers per input row."""


class BudgetError(PellucidError):
    """The work asked for is larger than the budget, the memory or a fixed limit allows."""


class NumericalError(PellucidError):
    """A computation has no trustworthy numerical answer for this input."""


class ModelFormatError(PellucidError):
    """A foreign model cannot be read, or what was read does not reproduce its own predictions."""


class SaveFormatError(PellucidError):
    """A saved file or dictionary is damaged, unsafe, or of an unknown version."""


class PellucidWarning(UserWarning):
    """Something the user should know although the result stands."""
