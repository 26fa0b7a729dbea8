"""Fields of frozen results that are made when somebody reads them."""

from __future__ import annotations

from typing import Any


class Lazy:
    """Stands for a field of a class whose instances may be given a function instead, called once at the first look.

    An instance that has the field in its `__dict__` never comes here.

    >>> class Result:
    ...     text = Lazy("text", None)
    >>> result = Result()
    >>> Lazy.put(result, "text", lambda: "made now")
    >>> result.text, Result().text
    ('made now', None)
    """

    def __init__(self, name: str, default: Any) -> None:
        self._name, self._default = name, default

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self._default
        make = instance.__dict__.get(_pending(self._name))
        if make is None:
            # Another thread may have made it since this look began.
            return instance.__dict__.get(self._name, self._default)
        value = instance.__dict__[self._name] = make()
        instance.__dict__.pop(_pending(self._name), None)
        return value

    @staticmethod
    def put(instance: Any, name: str, make: Any) -> None:
        """Let `make()` be the field of this instance."""
        instance.__dict__.pop(name, None)
        instance.__dict__[_pending(name)] = make


def _pending(name: str) -> str:
    return f"_later_{name}"
