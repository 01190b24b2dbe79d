"""Watches plugins and reloads them in the program that calls: :class:`Supervisor`."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import FrameType, TracebackType
from typing import Any, Optional, Union

from qtforge._errors import (
    PluginExecutionError,
    PluginLoadError,
    PluginNotLoadedError,
    SupervisorError,
)
from qtforge._events import Callbacks, Event, EventLog, Events
from qtforge._native import core

_LOG = logging.getLogger("qtforge")

_Path = Union[str, "os.PathLike[str]"]

# What plugins' modules are called, whatever supervisor or loader they belong to.
_PLUGINS = "qtforge.plugins."


class _Answer:
    """What a thread waits for and another one gives."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._value: Any = None
        self._error: Optional[Exception] = None

    def give(self, value: Any) -> None:
        self._value = value
        self._done.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._done.set()

    def result(self) -> Any:
        # Ctrl-C ends this.
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value


class Supervisor:
    """Loads the plugins below some paths, watches them, and reloads what is edited.

    The same as ``replug watch``, for a program of one's own::

        with Supervisor("plugins") as supervisor:
            for event in supervisor.events():
                print(event["event"], event.get("id"))

    Every method may be called on any thread. Plugins run in this process, on a thread of the
    supervisor's own, and :meth:`call` on the thread that calls; or, with ``isolation="shared"``, in a
    child process. A supervisor is started once; for another start make another one. ``async with``
    waits without blocking an event loop of asyncio or trio.

    Args:
        paths: a file or folder to watch, or several. One that is missing is waited for.
        config: a ``watch.toml`` to follow; without it none is read. What is given here goes before it.
        isolation: ``"none"``: plugins run in this process, and a deadline that passes is told;
            ``"shared"``: in a child process, and it is enforced.
        python: interpreter of the child process, with this package; by default this one.
        timeout: seconds for each of import, create and initialize; 10.
        shutdown_timeout: seconds for ``stop_service`` and for ``shutdown``; 3.
        mode: ``"exclusive"`` or ``"overlap"``, for plugins that do not say.
        ignore: patterns in gitignore syntax of what to leave out.
        gitignore: honour ``.gitignore`` files too.
        settle_ms: quiet time to wait for in a burst of saves.
        poll: ``"auto"``, ``"never"``, or milliseconds.
        shared: folders of modules that all plugins may import.
        plugins: settings of single plugins, by id, as in ``watch.toml``.
        keep_events: how many events are kept for readers that are slow, or yet to come.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting that is out of range or not available.
        RuntimeError: the native half is not installed.
    """

    def __init__(
        self,
        paths: Union[_Path, Iterable[_Path]] = (),
        *,
        config: Optional[_Path] = None,
        isolation: str = "none",
        python: Optional[_Path] = None,
        timeout: Optional[float] = None,
        shutdown_timeout: Optional[float] = None,
        mode: Optional[str] = None,
        ignore: Optional[Iterable[str]] = None,
        gitignore: Optional[bool] = None,
        settle_ms: Optional[int] = None,
        poll: Union[str, int, None] = None,
        shared: Optional[Iterable[_Path]] = None,
        plugins: Optional[Mapping[str, Mapping[str, Any]]] = None,
        keep_events: int = 10_000,
    ) -> None:
        settings = _settings(
            {
                "python": None if python is None else _text("python", python),
                "shared": None if shared is None else _texts("shared", shared),
                "watch": {
                    "ignore": None if ignore is None else _texts("ignore", ignore),
                    "gitignore": _typed("gitignore", gitignore, bool),
                    "settle_ms": _typed("settle_ms", settle_ms, int),
                    "poll": _typed("poll", poll, str, int),
                },
                "reload": {
                    "isolation": _typed("isolation", isolation, str),
                    "timeout": _typed("timeout", timeout, float, int),
                    "shutdown_timeout": _typed("shutdown_timeout", shutdown_timeout, float, int),
                    "mode": _typed("mode", mode, str),
                },
                "plugins": _plugins(plugins),
            }
        )
        places = [_text("paths", paths)] if _is_path(paths) else _texts("paths", paths)
        if not places and config is None:
            raise ValueError("there is nothing to watch: name a path")
        file = None if config is None else _text("config", config)
        if not isinstance(keep_events, int) or keep_events < 1:
            raise ValueError(f"keep_events must be a number of events above 0, not {keep_events!r}")
        self._core = core("Supervisor").Supervisor(places, file, settings)
        self._is_here = isolation == "none"
        self._plugins: dict[str, Any] = self._core.published
        self._log = EventLog(keep_events)
        self._callbacks = Callbacks(self._log)
        self._ready = False
        self._patience = 1.0 + (3.0 if shutdown_timeout is None else float(shutdown_timeout))
        self._thread: Optional[threading.Thread] = None
        self._process = os.getpid()
        # Guards what is asked for and not answered, and that nothing more is asked for at the end.
        self._lock = threading.Lock()
        self._asked: set[_Answer] = set()
        self._over = False

    def start(self, *, wait: bool = True) -> None:
        """Loads what is there and begins to watch.

        Args:
            wait: come back when every plugin was tried and every watch is armed, or else at once.

        Raises:
            SupervisorError: it was started or stopped before, or belongs to another process.
            RuntimeError: the child process cannot be started; the message says why.
        """
        self._begin()
        if wait and not _in_plugin():
            self._log.wait(self._is_up)
            self._check_up()

    def stop(self) -> None:
        """Shuts every plugin down, dependents first, and waits for the end. Twice does no harm.

        A plugin that stops the supervisor it runs in is not waited for.
        """
        if os.getpid() != self._process or not self._end() or _in_plugin():
            return
        self._log.wait(lambda: self._log.is_closed() or None)
        self._callbacks.join()

    def events(self) -> Events:
        """Gives the events from the first on: dicts as of ``replug watch --json``.

        For ``for`` and for ``async for`` (asyncio, trio). Each caller has its own, and sees all. It ends
        with ``stopped``. Of events that nobody reads ``keep_events`` are kept; a reader that missed some
        gets one named ``dropped`` with their ``count``.
        """
        return Events(self._log)

    def on(self, event: str, callback: Callable[[Event], object]) -> Callable[[], None]:
        """Has ``callback(event)`` called for each event of that name from now on; ``"*"`` for all.

        Callbacks are called one after the other on a thread of their own. What one raises is logged.

        Returns:
            A function that takes it off again.

        Raises:
            TypeError: the name is no string, or the callback cannot be called.
        """
        _typed("event", event, str)
        if event is None or not callable(callback):
            raise TypeError(f"{type(callback).__name__} cannot be called")
        return self._callbacks.add(event, callback)

    def reload(self, plugin_id: str) -> Optional[Event]:
        """Gives a plugin a new generation, from what is on disk now, also if nothing changed.

        A plugin that asks for a reload, of itself or of another one, is not waited for: its own end
        may wait for the thread that asks.

        Returns:
            The event that it came to, or None if a plugin asked.

        Raises:
            PluginLoadError: it failed. What was live before goes on, if the event ``failed`` says so.
            PluginNotLoadedError: there is no such plugin.
            SupervisorError: it does not run.
            TypeError: ``plugin_id`` is no string.
        """
        _check_id(plugin_id)
        answer = self._ask(lambda answer: self._core.reload(plugin_id, answer))
        if _in_plugin():
            return None
        line = answer.result()
        if line is None:
            raise _not_loaded(plugin_id)
        event = _read(line)
        if event["event"] == "failed":
            raise _load_error(event)
        if event["event"] == "unloaded":
            raise _not_loaded(plugin_id)
        return event

    def call(self, plugin_id: str, method: str, *args: Any) -> Any:
        """Calls a method of a live plugin.

        Where plugins run in this process it is called on this thread, beside whatever else runs, on the
        instance that is live: never waits for a reload, which gives the old one or the new one. In a
        child process calls and reloads take turns, ``timeout`` holds, and arguments and what is returned
        are what JSON can hold. A lazy plugin is loaded first.

        Returns:
            What the method returns.

        Raises:
            PluginExecutionError: it raised, which is chained; or it has no such method.
            PluginNotLoadedError: the plugin is not live.
            SupervisorError: it does not run.
            TypeError: ``plugin_id`` or ``method`` is no string; an argument that cannot cross.
        """
        _check_id(plugin_id)
        if not isinstance(method, str):
            raise TypeError(f"method must be a str, not {type(method).__name__}")
        self._check_runs()
        if not self._is_here:
            return self._call_there(plugin_id, method, args)
        instance = self._plugins.get(plugin_id)
        if instance is None:
            instance = self._woken(plugin_id)
        function = getattr(instance, method, None)
        if not callable(function):
            raise PluginExecutionError(f"{plugin_id} has no method {method!r}", plugin_id=plugin_id)
        try:
            return function(*args)
        except (Exception, SystemExit) as error:
            message = f"{method}() raised {type(error).__name__}: {error}"
            raise PluginExecutionError(message, plugin_id=plugin_id) from error

    def __enter__(self) -> Supervisor:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Supervisor:
        self._begin()
        try:
            await self._log.arrive(self._is_up)
        except BaseException:
            self._end()
            raise
        self._check_up()
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._end():
            await self._log.arrive(lambda: self._log.is_closed() or None)

    def _begin(self) -> None:
        if os.getpid() != self._process:
            raise _elsewhere()
        with self._lock:
            if self._thread is not None or self._over:
                raise SupervisorError("a supervisor is started once; make another one")
            thread = threading.Thread(target=self._run, name="replug", daemon=True)
            self._thread = thread
        try:
            self._core.start()
        except BaseException:
            self._close()
            raise
        _RUNNING.add(self)
        thread.start()

    def _run(self) -> None:
        try:
            self._core.run(self._tell)
        except BaseException:
            _LOG.exception("the supervisor has ended")
        finally:
            self._close()

    def _tell(self, line: str) -> None:
        event = _read(line)
        if event["event"] == "ready":
            self._ready = True
        self._log.tell(event)

    def _close(self) -> None:
        with self._lock:
            self._over = True
            asked, self._asked = self._asked, set()
        for answer in asked:
            answer.fail(_stopped())
        _RUNNING.discard(self)
        self._log.close()

    def _end(self) -> bool:
        """Asks it to stop. Whether there is an end to be waited for."""
        with self._lock:
            runs = self._thread is not None
            if not runs:
                self._over = True
        if runs:
            self._core.stop()
        else:
            self._log.close()
        return runs

    def _is_up(self) -> Optional[bool]:
        return self._ready or self._log.is_closed() or None

    def _check_up(self) -> None:
        if not self._ready:
            raise SupervisorError("it was stopped before it was ready")

    def _check_runs(self) -> None:
        if os.getpid() != self._process:
            raise _elsewhere()
        if self._over:
            raise _stopped()
        if self._thread is None:
            raise SupervisorError("the supervisor was not started")

    def _ask(self, ask: Callable[[Callable[[Any], None]], None]) -> _Answer:
        self._check_runs()
        answer = _Answer()

        def answered(value: Any) -> None:
            with self._lock:
                known = answer in self._asked
                self._asked.discard(answer)
            if known:
                answer.give(value)

        with self._lock:
            if self._over:
                raise _stopped()
            self._asked.add(answer)
        ask(answered)
        return answer

    def _call_there(self, plugin_id: str, method: str, args: tuple[Any, ...]) -> Any:
        import json

        arguments = json.dumps(args)
        answer = self._ask(
            lambda answer: self._core.call(plugin_id, method, arguments, answer)
        ).result()
        if answer is None:
            raise _not_loaded(plugin_id)
        value, raised = answer
        if raised is None:
            return json.loads(value)
        kind, message, traceback = raised
        if kind != PluginExecutionError.__name__:
            message = f"{method}() raised {kind}: {message}"
        error = PluginExecutionError(message, plugin_id=plugin_id)
        raise error from (_Remote(traceback) if traceback else None)

    def _woken(self, plugin_id: str) -> Any:
        if _in_plugin():
            # Its turn comes after the call that this is in.
            raise _not_loaded(plugin_id)
        if self._ask(lambda answer: self._core.wake(plugin_id, answer)).result():
            instance = self._plugins.get(plugin_id)
            if instance is not None:
                return instance
        raise _not_loaded(plugin_id)

    def _leave(self) -> None:
        """The program ends and did not stop it."""
        if os.getpid() != self._process or not self._end():
            return
        seconds = self._patience
        place = self._log.now()
        strikes = 0
        # A plugin whose shutdown hangs does not keep the program from ending.
        while not self._log.wait(lambda: self._log.is_closed() or None, seconds):
            if self._log.now() != place:
                place, seconds, strikes = self._log.now(), self._patience, 0
            elif self._is_here and strikes < 5 and self._strike():
                # Python that still runs when the interpreter is gone would crash.
                strikes, seconds = strikes + 1, 0.5
            else:
                _LOG.warning("a plugin does not come back, and the program ends without it")
                return

    def _strike(self) -> bool:
        """Ends the plugin's code that the supervisor's thread is in, if that is Python."""
        assert self._thread is not None
        thread = self._thread.ident
        frame = sys._current_frames().get(thread or 0)
        if thread is None or frame is None or not _in_plugin(frame):
            return False
        import ctypes

        strike = ctypes.pythonapi.PyThreadState_SetAsyncExc
        strike(ctypes.c_ulong(thread), ctypes.py_object(_Ending))
        return True


class _Remote(Exception):
    """An exception in another process, as the text of its traceback."""

    def __str__(self) -> str:
        return f"\n{self.args[0].rstrip()}"


class _Ending(BaseException):
    """The program ends, and this plugin has not come back."""


#: Those that nobody has stopped yet.
_RUNNING: weakref.WeakSet[Supervisor] = weakref.WeakSet()


@atexit.register
def _leave() -> None:
    for supervisor in list(_RUNNING):
        supervisor._leave()


def _in_plugin(frame: Optional[FrameType] = None) -> bool:
    """Whether the code of a plugin is on the way to the caller, or to a frame."""
    found = sys._getframe(1) if frame is None else frame
    while found is not None:
        if str(found.f_globals.get("__name__", "")).startswith(_PLUGINS):
            return True
        found = found.f_back  # type: ignore[assignment]
    return False


def _settings(values: dict[str, Any]) -> str:
    def said(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: said(entry) for key, entry in value.items() if entry is not None}
        return value

    import json

    return json.dumps(said(values))


def _read(line: str) -> Event:
    # Plugins import this package as well, and need not wait for what only hosts need.
    import json

    event: Event = json.loads(line)
    return event


def _plugins(plugins: Optional[Mapping[str, Mapping[str, Any]]]) -> Optional[dict[str, Any]]:
    if plugins is None:
        return None
    if not isinstance(plugins, Mapping):
        raise TypeError(f"plugins must be a dict, not {type(plugins).__name__}")
    for plugin_id, values in plugins.items():
        if not isinstance(plugin_id, str) or not isinstance(values, Mapping):
            raise TypeError(f"plugins must map ids to dicts, as {plugin_id!r} does not")
    return {plugin_id: dict(values) for plugin_id, values in plugins.items()}


def _typed(name: str, value: Any, *types: type) -> Any:
    # A bool is an int to Python, and to nobody else.
    is_odd = isinstance(value, bool) and bool not in types
    if value is not None and (is_odd or not isinstance(value, types)):
        wanted = " or ".join(kind.__name__ for kind in types)
        raise TypeError(f"{name} must be {wanted}, not {type(value).__name__}")
    return value


def _is_path(value: object) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


def _text(name: str, value: Any) -> str:
    text = os.fspath(value) if _is_path(value) else value
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a str or a path, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError(f"{name}: a path holds no NUL character")
    return text


def _texts(name: str, values: Any) -> list[str]:
    if _is_path(values) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, not {type(values).__name__}")
    return [_text(name, value) for value in values]


def _check_id(plugin_id: object) -> None:
    if not isinstance(plugin_id, str):
        raise TypeError(f"plugin_id must be a str, not {type(plugin_id).__name__}")


def _not_loaded(plugin_id: str) -> PluginNotLoadedError:
    return PluginNotLoadedError(f"the plugin {plugin_id} is not loaded", plugin_id=plugin_id)


def _load_error(event: Event) -> PluginLoadError:
    error = event["error"]
    message = f"{error['type']}: {error['message']}"
    return PluginLoadError(
        message, plugin_id=event["id"], phase=event["phase"], path=event["path"]
    )


def _stopped() -> SupervisorError:
    return SupervisorError("the supervisor has stopped")


def _elsewhere() -> SupervisorError:
    return SupervisorError("the supervisor belongs to another process; make a new one")
