"""The way to the native half of the host's classes, which comes with the wheel."""

from __future__ import annotations

from types import ModuleType


def core(what: str) -> ModuleType:
    """Gives ``qtforge._core``.

    Raises:
        RuntimeError: it is not installed: this is the ``qtforge`` inside ``replug``.
    """
    try:
        from qtforge import _core
    except ImportError as error:
        raise RuntimeError(
            f"{what} needs the Python package: `pip install .` in a clone of replug ({error})"
        ) from error
    return _core
