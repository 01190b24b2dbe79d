"""What a plugin's call leaves behind in a program that is not ours, put back after the call.

``sys.path`` belongs to the whole program, and so do the working directory, the standard streams, the
environment and the signal handlers. A plugin that is loaded on the main thread changes none of them for
others. On another thread only ``sys.path`` is put back: the program itself may be changing the rest
meanwhile.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from types import FrameType
from typing import Any, Callable, Union

_STREAMS = ("stdin", "stdout", "stderr")
_SIGNALS = [number for number in signal.valid_signals() if number < 32]

_Handler = Union[Callable[[int, Union[FrameType, None]], Any], int, None]


def tell_late(took: float, limit: float) -> None:
    """Tells of a call that nobody could interrupt, because it was not on the main thread."""
    logging.getLogger("qtforge").warning(
        "a plugin came back after %.1f s, and its deadline is %.1f s; only calls on the main thread "
        "can be interrupted",
        took,
        limit,
    )


class Surroundings:
    """The state of the process before a call; :meth:`leave` puts it back."""

    def __init__(self, front: list[str], back: list[str], main: bool) -> None:
        self._list = sys.path
        self._path = list(sys.path)
        if front or back:
            sys.path[:] = [*front, *self._path, *back]
        self._main = main
        if main:
            self._streams = [getattr(sys, name) for name in _STREAMS]
            self._environ = dict(os.environ)
            self._folder = _folder()
            self._signals: list[_Handler] = [signal.getsignal(n) for n in _SIGNALS]

    def leave(self) -> tuple[list[str], list[str]]:
        """Gives what is new in ``sys.path``: before and after what was there."""
        added = self._leave_path()
        if self._main:
            for name, stream in zip(_STREAMS, self._streams):
                if getattr(sys, name) is not stream:
                    setattr(sys, name, stream)
            if os.environ != self._environ:
                for name in set(os.environ) - set(self._environ):
                    del os.environ[name]
                os.environ.update(self._environ)
            if self._folder is not None and _folder() != self._folder:
                os.chdir(self._folder)
            for number, handler in zip(_SIGNALS, self._signals):
                # None is a handler that C code installed, which Python cannot put back.
                if handler is not None and signal.getsignal(number) != handler:
                    signal.signal(number, handler)
        return added

    def _leave_path(self) -> tuple[list[str], list[str]]:
        front: list[str] = []
        back: list[str] = []
        if sys.path is self._list and sys.path == self._path:
            return front, back
        known = set(self._path)
        side = front
        for entry in sys.path:
            if entry in known:
                side = back
            elif isinstance(entry, str):
                side.append(entry)
        self._list[:] = self._path
        sys.path = self._list
        return front, back


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None
