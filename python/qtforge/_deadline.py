"""A deadline for Python code in this thread, without the native half.

On the main thread a signal ends it, also in a sleep, a lock or a read, and code that catches everything
is ended at its next line. On another one an exception is put into the thread, which ends it at its next
line of Python unless it is caught.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Optional, TypeVar

_T = TypeVar("_T")

# Between one strike and the next, for code that catches everything.
_AGAIN = 0.2

# One that programs hardly ever use themselves, and not the one of the host's own deadlines.
_SIGNAL: int = signal.SIGRTMAX - 4 if hasattr(signal, "SIGRTMAX") else signal.SIGUSR1


class Overdue(BaseException):
    """The time is over. No ``Exception``, so that a loop that retries lets it pass."""


def within(seconds: float, function: Callable[[], _T]) -> _T:
    """Calls a function for so long at most.

    Raises:
        Overdue: it did not come back; the traceback shows where it stood.
    """
    deadline = _Deadline(seconds, sys._getframe())
    try:
        deadline.begin()
        return function()
    finally:
        # A strike may still come anywhere before this is through.
        while True:
            try:
                deadline.end()
                break
            except Overdue:
                continue


class _Deadline:
    """One call; ``caller`` is the frame that made it, which is not to be interrupted."""

    def __init__(self, seconds: float, caller: FrameType) -> None:
        self._seconds = seconds
        self._caller: Optional[FrameType] = caller
        self._tracer = sys.gettrace()
        self._thread = threading.get_ident()
        self._is_main = threading.current_thread() is threading.main_thread()
        self._handler: Any = signal.getsignal(_SIGNAL)
        # Held while a strike is made; after `_done` none is.
        self._lock = threading.Lock()
        self._done = False
        self._over = threading.Event()
        self._strikes = 0

    def begin(self) -> None:
        if self._is_main:
            signal.signal(_SIGNAL, self._handle)
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def end(self) -> None:
        if self._is_main and self._strikes > 1:
            sys.settrace(self._tracer)
        with self._lock:
            self._done = True
        self._over.set()
        self._caller = None
        if self._is_main:
            signal.signal(_SIGNAL, self._handler)
        elif self._strikes:
            _put(self._thread, None)

    def _watch(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            wait = _AGAIN
            with self._lock:
                if self._done:
                    return
                if self._is_main:
                    signal.pthread_kill(self._thread, _SIGNAL)
                else:
                    self._strikes += 1
                    _put(self._thread, Overdue)

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        if self._done:
            return
        self._strikes += 1
        if self._strikes > 1:
            # The first one was caught: raise at each line until nothing is left.
            while frame is not None and frame is not self._caller:
                frame.f_trace = self._trace
                frame = frame.f_back
            sys.settrace(self._trace)
        raise Overdue

    def _trace(self, frame: FrameType, event: str, value: Any) -> Any:
        # Our own way out is not in the way of itself. Raising at an "exception" would happen inside the
        # try that swallows it, and at a "return" it would lose where the code stood.
        if frame.f_code.co_filename == __file__ or self._done:
            return None
        if event in ("exception", "return"):
            return self._trace
        raise Overdue


def _put(thread: int, error: Any) -> None:
    import ctypes

    put = ctypes.pythonapi.PyThreadState_SetAsyncExc
    put(ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error))
