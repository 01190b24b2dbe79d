"""The way to the native half of the host's classes, which comes with the wheel."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def core(what: str) -> ModuleType:
    """Gives ``qtforge._core``.

    Raises:
        RuntimeError: it is not installed: this is the ``qtforge`` inside ``replug``; or this is a
            sub-interpreter.
    """
    alone = f"{what} works in the main interpreter only, and this is a sub-interpreter"
    if not _is_main():
        raise RuntimeError(alone)
    try:
        from qtforge import _core
    except ImportError as error:
        if "subinterpreters" in str(error):
            raise RuntimeError(alone) from error
        raise RuntimeError(
            f"{what} needs the Python package: `pip install .` in a clone of replug ({error})"
        ) from error
    return _core


def _is_main() -> bool:
    # Newer ones refuse to import it where it cannot be.
    if sys.version_info >= (3, 12):
        return True
    try:
        interpreters: Any = import_module("_xxsubinterpreters")
    except ImportError:
        return True
    return int(interpreters.get_current()) == int(interpreters.get_main())
