"""The JSON-lines protocol of QtForge's C++ bridge: a request in, its answer out.

The native half (``src/bridge/``) reads the lines, has :meth:`Session.answer` answer one after the other
on Python's main thread, and writes what comes of it. It also keeps the plugins; whatever runs a
plugin's code goes through it, for the deadline and for what that code leaves behind.
"""

from __future__ import annotations

import inspect
import json
import os
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, Optional, Protocol

from qtforge import _describe, _host
from qtforge._environment import PythonPluginEnvironment
from qtforge._values import clean, plain

_Failure = dict[str, Any]
_Outcome = dict[str, Any]

#: The environment of ``execute_code``; its lines show in tracebacks as ``<code 1>``.
_CODE = "code"

# How many causes of an exception are shown.
_CAUSES = 100


class Plugins(Protocol):
    """The native half."""

    def load(self, path: str, wanted: str, plugin_id: Optional[str]) -> _Outcome:
        """Loads what is at ``path``: ``id``, ``failures``, and ``events`` as JSON texts."""

    def reload(self, plugin_id: str) -> Optional[_Outcome]:
        """Gives a plugin a new generation; None if it is not loaded."""

    def unload(self, plugin_id: str) -> Optional[_Outcome]:
        """Ends a plugin; None if it is not loaded."""

    def stop(self) -> list[str]:
        """Ends all plugins, those that depend on others first; the events."""

    def instance(self, plugin_id: str) -> Any:
        """Gives the instance of a plugin, or None if it is not loaded."""

    def said(self, plugin_id: str) -> str:
        """Gives the metadata that is written down, as JSON."""

    def run(
        self, plugin_id: Optional[str], body: Callable[[], Any]
    ) -> tuple[Any, Optional[_Failure]]:
        """Calls ``body()``, which runs code of that plugin, with the deadline in force."""

    def tell(self, line: bytes) -> None:
        """Writes a line; on any thread."""


class Refused(Exception):
    """A request that is not carried out, and why."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


class Session:
    """One host program and the plugins that it has loaded."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        # The name by which the host knows a plugin, to the plugin's id and the path that it named.
        self._known: dict[str, tuple[str, str]] = {}
        self._subscribed: dict[str, list[str]] = {}
        self._environment = PythonPluginEnvironment()
        self._names = self._environment.create_isolated_environment(_CODE)["globals"]
        self.over = False
        self._requests: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "initialize": lambda _: {},
            "load_plugin": self._load_plugin,
            "call_method": self._call_method,
            "get_plugin_info": self._get_plugin_info,
            "get_property": self._get_property,
            "set_property": self._set_property,
            "execute_code": self._execute_code,
            "subscribe_events": self._subscribe_events,
            "unsubscribe_events": self._unsubscribe_events,
            "reload_plugin": self._reload_plugin,
            "unload_plugin": self._unload_plugin,
            "shutdown": self._shutdown,
        }
        _host.listen(self._published)

    def answer(self, line: bytes) -> Optional[bytes]:
        """Carries out the request on a line; the line that answers it, None for an empty one."""
        if not line.strip():
            return None
        number, request, fault = _read(line)
        try:
            if fault is not None:
                raise Refused(fault)
            kind = _text(request, "type")
            carry_out = self._requests.get(kind)
            if carry_out is None:
                raise Refused(f"unknown request type {kind!r}; known are {', '.join(self._requests)}")
            return _line({"id": number, "success": True, **carry_out(request)})
        except Refused as refused:
            return _failure(number, str(refused), refused.trace)
        except Exception as error:
            return _failure(number, f"{type(error).__name__}: {error}", "")

    def too_long(self, limit: int) -> bytes:
        """Answers a line that was not read to its end."""
        return _failure(None, f"the line has more than {limit} bytes", "")

    def tell(self, events: list[str]) -> None:
        """Tells the host what became of plugins, as far as it subscribed to that."""
        for event in events:
            told: dict[str, Any] = json.loads(event)
            plugin_id = told.pop("id", None)
            name = told.pop("event")
            for handle, (known, path) in list(self._known.items()):
                renamed = name == "loaded" and known not in self._loaded() and path == told["path"]
                if renamed:
                    # It has another id now, and the host knows it by the same name as before.
                    self._known[handle] = (plugin_id, path)
                # What does not parse any more does not say its id either.
                here = plugin_id is None and _is_in(told.get("path", ""), path)
                about = known == plugin_id or renamed or here
                if about and name in self._subscribed.get(handle, ()):
                    self._plugins.tell(_line({"event": name, "plugin_id": handle, **told}))

    def _loaded(self) -> set[str]:
        return {known for known, _ in self._known.values() if self._plugins.instance(known)}

    def _published(self, publisher: str, event: str, data: Any) -> None:
        """A plugin published something on the event bus, on whatever thread."""
        for handle, (known, _) in list(self._known.items()):
            if known == publisher and event in self._subscribed.get(handle, ()):
                told = {"event": event, "plugin_id": handle, "data": plain(data)}
                self._plugins.tell(_line(told))

    def _load_plugin(self, request: dict[str, Any]) -> dict[str, Any]:
        path = _text(request, "plugin_path")
        wanted = _text(request, "plugin_class", "")
        handle = _text(request, "plugin_id", "")
        if not path or "\0" in path:
            raise Refused(f"plugin_path: {path!r} is no path")
        path = os.path.abspath(path)
        known = self._known.get(handle)
        if known is not None and known[1] != path and self._plugins.instance(known[0]) is not None:
            raise Refused(f"plugin_id: {handle!r} is the plugin from {known[1]}")
        outcome = self._plugins.load(path, wanted, handle or None)
        plugin_id = self._done(outcome)
        handle = handle or plugin_id
        self._known[handle] = (plugin_id, path)
        self.tell(outcome["events"])
        return {"plugin_id": handle, **self._described(handle, plugin_id)}

    def _get_plugin_info(self, request: dict[str, Any]) -> dict[str, Any]:
        handle, plugin_id, _ = self._plugin(request)
        return self._described(handle, plugin_id)

    def _described(self, handle: str, plugin_id: str) -> dict[str, Any]:
        instance = self._plugins.instance(plugin_id)
        said = json.loads(self._plugins.said(plugin_id))

        def describe() -> dict[str, Any]:
            methods, properties = _describe.members(instance)
            metadata = _describe.metadata(instance, said, handle)
            return {"metadata": metadata, "methods": methods, "properties": properties}

        described: dict[str, Any] = self._run(plugin_id, describe)
        return described

    def _call_method(self, request: dict[str, Any]) -> dict[str, Any]:
        _, plugin_id, instance = self._plugin(request)
        name = _text(request, "method_name")
        field = "parameters" if "parameters" in request else "params"
        parameters = _list(request, field, [])

        def call() -> Any:
            method = getattr(instance, name)
            if not callable(method):
                kind = type(method).__name__
                raise Refused(f"{name!r} is not callable: it is a property ({kind})")
            result = method(*parameters)
            if inspect.iscoroutine(result):
                result.close()
                raise Refused(f"{name!r} is an `async def`, and nothing awaits it")
            return plain(result)

        return {"result": self._run(plugin_id, call)}

    def _get_property(self, request: dict[str, Any]) -> dict[str, Any]:
        _, plugin_id, instance = self._plugin(request)
        name = _text(request, "property_name")
        return {"value": self._run(plugin_id, lambda: _property(instance, name))}

    def _set_property(self, request: dict[str, Any]) -> dict[str, Any]:
        _, plugin_id, instance = self._plugin(request)
        name = _text(request, "property_name")
        if "value" not in request:
            raise Refused("value: is missing")
        value = request["value"]

        def set_it() -> Any:
            if _describe.is_method(inspect.getattr_static(instance, name, None)):
                raise Refused(f"{name!r} is a method, not a property")
            setattr(instance, name, value)
            return _property(instance, name)

        return {"value": self._run(plugin_id, set_it)}

    def _execute_code(self, request: dict[str, Any]) -> dict[str, Any]:
        code = _text(request, "code")
        context = request.get("context")
        if context is None:
            context = {}
        if not isinstance(context, dict):
            raise Refused(f"context: an object was expected, not {_kind(context)}")

        self._names["context"] = context
        trace = ""

        def execute() -> Any:
            nonlocal trace
            try:
                return plain(self._environment.execute_in_environment(_CODE, code))
            except BaseException as error:
                trace = _trace(error)
                raise

        try:
            return {"result": self._run(None, execute)}
        except Refused as refused:
            refused.trace = trace
            raise

    def _subscribe_events(self, request: dict[str, Any]) -> dict[str, Any]:
        handle, _, _ = self._plugin(request)
        names = self._subscribed.setdefault(handle, [])
        names.extend(dict.fromkeys(name for name in _names(request) if name not in names))
        return {"subscribed_events": list(names)}

    def _unsubscribe_events(self, request: dict[str, Any]) -> dict[str, Any]:
        handle, _, _ = self._plugin(request)
        gone = set(_names(request))
        left = [name for name in self._subscribed.get(handle, ()) if name not in gone]
        self._subscribed[handle] = left
        return {"subscribed_events": list(left)}

    def _reload_plugin(self, request: dict[str, Any]) -> dict[str, Any]:
        handle, plugin_id, _ = self._plugin(request)
        outcome = self._plugins.reload(plugin_id)
        if outcome is None:
            raise Refused(_not_loaded(handle))
        self.tell(outcome["events"])
        self._known[handle] = (self._done(outcome), self._known[handle][1])
        return {}

    def _unload_plugin(self, request: dict[str, Any]) -> dict[str, Any]:
        handle, plugin_id, _ = self._plugin(request)
        outcome = self._plugins.unload(plugin_id)
        if outcome is None:
            raise Refused(_not_loaded(handle))
        self.tell(outcome["events"])
        for name, (known, _) in list(self._known.items()):
            if known == plugin_id:
                del self._known[name]
                self._subscribed.pop(name, None)
        return {}

    def _shutdown(self, _request: dict[str, Any]) -> dict[str, Any]:
        self.over = True
        self.tell(self._plugins.stop())
        return {}

    def _plugin(self, request: dict[str, Any]) -> tuple[str, str, Any]:
        """The plugin that a request is about: by which name, its id, its instance."""
        handle = _text(request, "plugin_id")
        plugin_id, _ = self._known.get(handle, (handle, ""))
        instance = self._plugins.instance(plugin_id)
        if instance is None:
            raise Refused(_not_loaded(handle))
        return handle, plugin_id, instance

    def _run(self, plugin_id: Optional[str], body: Callable[[], Any]) -> Any:
        refused: list[Refused] = []

        def guarded() -> Any:
            try:
                return body()
            except Refused as error:
                refused.append(error)
                return None

        value, failure = self._plugins.run(plugin_id, guarded)
        if failure is not None:
            _raise(failure)
        if refused:
            raise refused[0]
        return value

    def _done(self, outcome: _Outcome) -> str:
        """The id of the plugin that a change was about, if it did not fail."""
        if outcome["failures"]:
            _raise(outcome["failures"][-1])
        plugin_id: Optional[str] = outcome["id"]
        if plugin_id is None:
            raise Refused("the plugin is not there any more, or watch.toml disables it")
        return plugin_id


def _property(instance: Any, name: str) -> Any:
    value = getattr(instance, name)
    if _describe.is_method(value):
        raise Refused(f"{name!r} is a method; ask for it with call_method")
    return plain(value)


def _raise(failure: _Failure) -> NoReturn:
    place = ""
    if failure["file"] is not None and failure["traceback"] is None:
        line = "" if failure["line"] is None else f":{failure['line']}"
        place = f" ({failure['file']}{line})"
    raise Refused(f"{failure['type']}: {failure['message']}{place}", failure["traceback"] or "")


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}{os.sep}")


def _not_loaded(handle: str) -> str:
    return f"plugin_id: the plugin {handle!r} is not loaded (not found)"


def _read(line: bytes) -> tuple[Optional[int], dict[str, Any], Optional[str]]:
    """The id of a request, the request, and what is wrong with it so far."""
    fault: Optional[str] = None
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        # The id may be readable all the same, and the host waits for an answer to it.
        fault = f"the line is not UTF-8 (byte {error.start})"
        text = line.decode("utf-8", "replace")
    strange: list[str] = []
    try:
        request = json.loads(text.strip("\ufeff \t\r\n"), parse_constant=strange.append)
    except RecursionError:
        return None, {}, "the line is nested too deeply"
    except ValueError as error:
        return None, {}, fault or f"the line is no JSON: {error}"
    if not isinstance(request, dict):
        return None, {}, f"a request is an object, not {_kind(request)}"
    number = request.get("id")
    if type(number) is not int:
        what = f"an integer was expected, not {_kind(number)}" if "id" in request else "is missing"
        return None, request, fault or f"id: {what}"
    if strange and fault is None:
        fault = f"the line is no JSON: it holds {strange[0]}"
    return number, request, fault


_MISSING = object()


def _text(request: dict[str, Any], field: str, default: object = _MISSING) -> str:
    value = request.get(field)
    if value is None and default is not _MISSING:
        value = default
    elif value is None and field not in request:
        raise Refused(f"{field}: is missing")
    if not isinstance(value, str):
        raise Refused(f"{field}: a string was expected, not {_kind(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"{field}: {clean(value)!r} is not Unicode") from error
    return value


def _list(request: dict[str, Any], field: str, default: object = _MISSING) -> list[Any]:
    value = request.get(field)
    if value is None and default is not _MISSING:
        value = default
    elif value is None and field not in request:
        raise Refused(f"{field}: is missing")
    if not isinstance(value, list):
        raise Refused(f"{field}: a list was expected, not {_kind(value)}")
    return value


def _names(request: dict[str, Any]) -> list[str]:
    names = _list(request, "event_names")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise Refused(f"event_names[{index}]: a string was expected, not {_kind(name)}")
    return names


def _kind(value: object) -> str:
    """What JSON calls it."""
    words = {type(None): "null", bool: "a boolean", str: "a string", list: "a list"}
    words |= {dict: "an object", int: "a number", float: "a number"}
    return words.get(type(value), type(value).__name__)


def _trace(error: BaseException) -> str:
    """The traceback of what ``execute_code`` ran, without the lines of whoever ran it."""
    told = traceback.TracebackException.from_exception(error)
    part: Optional[traceback.TracebackException] = told
    for _ in range(_CAUSES):
        if part is None:
            break
        own = [frame for frame in part.stack if frame.filename.startswith(f"<{_CODE} ")]
        part.stack = traceback.StackSummary.from_list(own)
        part = part.__cause__ or part.__context__
    return "".join(told.format())


def _failure(number: Optional[int], message: str, trace: str) -> bytes:
    return _line({"id": number, "success": False, "error": message, "traceback": trace})


def _line(fields: dict[str, Any]) -> bytes:
    # ASCII, since QtForge decodes what it reads piece by piece, and a piece may end anywhere.
    text = json.dumps({**fields, **_cleaned(fields)}, allow_nan=False)
    return f"{text}\n".encode("ascii")


def _cleaned(fields: dict[str, Any]) -> dict[str, str]:
    """The texts of an answer itself; those of its values are clean already."""
    return {name: clean(value) for name, value in fields.items() if isinstance(value, str)}
