"""The events of a supervisor, for as many readers as there are: in threads, in asyncio, in trio.

All events are kept from the first on, up to a number; each reader has a place of its own among them.
Whoever waits is woken by the event. A reader that is too slow is told how many it has missed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from qtforge._errors import SupervisorError

Event = dict[str, Any]
_T = TypeVar("_T")

_LOG = logging.getLogger("qtforge")


class EventLog:
    """What happened, in order. Every method may be called on any thread."""

    def __init__(self, keep: int) -> None:
        self._events: deque[Event] = deque(maxlen=keep)
        # How many there were, and whether there will be more.
        self._count = 0
        self._closed = False
        self._changed = threading.Condition()
        self._wakers: set[Callable[[], None]] = set()
        self._process = os.getpid()

    def tell(self, event: Event) -> None:
        """Adds an event and wakes whoever waits for one."""
        with self._changed:
            self._events.append(event)
            self._count += 1
            self._wake()

    def close(self) -> None:
        """There will be no more."""
        with self._changed:
            self._closed = True
            self._wake()

    def _wake(self) -> None:
        self._changed.notify_all()
        wakers, self._wakers = self._wakers, set()
        for wake in wakers:
            wake()

    def now(self) -> int:
        """How many events there were."""
        return self._count

    def take(self, place: int) -> tuple[Event, int] | None:
        """Gives the event at a place and the place after it; None if there is none yet.

        To be called by :meth:`wait` and :meth:`arrive`.

        Raises:
            EOFError: there will be none.
        """
        oldest = self._count - len(self._events)
        if place < oldest:
            missed = {"event": "dropped", "ts": time.time(), "count": oldest - place}
            return missed, oldest
        if place < self._count:
            return self._events[place - oldest], place + 1
        if self._closed:
            raise EOFError
        return None

    def is_closed(self) -> bool:
        """Whether there will be no more."""
        return self._closed

    def wait(self, check: Callable[[], _T | None], seconds: float | None = None) -> _T | None:
        """Waits until ``check()`` gives something, so long at most. It is asked after each event."""
        self._belongs_here()
        with self._changed:
            return self._changed.wait_for(check, seconds)

    async def arrive(self, check: Callable[[], _T | None]) -> _T:
        """The same for asyncio and trio."""
        self._belongs_here()
        while True:
            wake, woken = _waker()
            with self._changed:
                found = check()
                if found is not None:
                    return found
                self._wakers.add(wake)
            try:
                await woken()
            finally:
                with self._changed:
                    self._wakers.discard(wake)

    def _belongs_here(self) -> None:
        # In a fork there is nobody who would tell, and the lock may be held for ever.
        if os.getpid() != self._process:
            raise SupervisorError("these events belong to another process")


class Events(Iterator[Event], AsyncIterator[Event]):
    """The events of a supervisor, from the first on, for ``for`` and for ``async for``.

    It ends after ``stopped``. If more events passed unread than are kept, it gives one that is named
    ``dropped``, with their ``count``, and goes on with the oldest that is there.
    """

    def __init__(self, log: EventLog, place: int = 0) -> None:
        self._log = log
        self._place = place

    @property
    def place(self) -> int:
        """How many events came before the next one."""
        return self._place

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> Event:
        try:
            found = self._log.wait(lambda: self._log.take(self._place))
        except EOFError:
            raise StopIteration from None
        assert found is not None
        event, self._place = found
        return dict(event)

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        try:
            found = await self._log.arrive(lambda: self._log.take(self._place))
        except EOFError:
            raise StopAsyncIteration from None
        event, self._place = found
        return dict(event)


class Callbacks:
    """Functions that are called with events, one after the other, on a thread of their own."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._functions: list[tuple[str, Callable[[Event], object], int]] = []
        self._thread: threading.Thread | None = None

    def add(self, name: str, function: Callable[[Event], object]) -> Callable[[], None]:
        """Has it called from the next event on; gives what takes it off again."""
        entry = (name, function, self._log.now())
        with self._lock:
            self._functions.append(entry)
            if self._thread is None:
                run = threading.Thread(
                    target=self._run, args=(entry[2],), name="replug events", daemon=True
                )
                self._thread = run
                run.start()

        def remove() -> None:
            with self._lock:
                if entry in self._functions:
                    self._functions.remove(entry)

        return remove

    def join(self) -> None:
        """Waits until all have been called with everything, unless called by one of them."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self, place: int) -> None:
        reader = Events(self._log, place)
        for event in reader:
            with self._lock:
                functions = [
                    function
                    for name, function, since in self._functions
                    if since <= place and name in (event["event"], "*")
                ]
            place = reader.place
            for function in functions:
                try:
                    function(dict(event))
                except Exception:
                    _LOG.exception("a callback for %r failed", event["event"])


def _waker() -> tuple[Callable[[], None], Callable[[], Awaitable[object]]]:
    """A function that wakes the task that runs, from any thread, and one that waits for that."""
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        try:
            token = trio.lowlevel.current_trio_token()
        except RuntimeError:
            pass
        else:
            return _trio_waker(trio, token)
    # Plugins import this package as well, and need not wait for what only hosts need.
    import asyncio

    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def settle() -> None:
        if not future.done():
            future.set_result(None)

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            # That loop is closed, so nobody waits.
            pass

    async def woken() -> None:
        await future

    return wake, woken


def _trio_waker(
    trio: Any, token: Any
) -> tuple[Callable[[], None], Callable[[], Awaitable[object]]]:
    event = trio.Event()

    def wake() -> None:
        try:
            token.run_sync_soon(event.set)
        except trio.RunFinishedError:
            # Nobody waits there any more.
            pass

    return wake, event.wait
