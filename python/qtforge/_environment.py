"""Runs code in an environment of its own: :class:`PythonPluginEnvironment`."""

from __future__ import annotations

import ast
import builtins
import itertools
import linecache
import logging
import threading
from types import CodeType, SimpleNamespace
from typing import Any

from qtforge._context import PluginContext
from qtforge._deadline import Overdue, within
from qtforge._errors import PluginTimeoutError
from qtforge._hub import SURVIVED
from qtforge._metadata import PluginMetadata
from qtforge._plugin import PluginInterface, ServicePlugin

_LOG = logging.getLogger("qtforge")
_NUMBERS = itertools.count(1)


class PythonPluginEnvironment:
    """Environments for code, one for each plugin: each with its own globals, imports and resources.

    They keep code out of each other's way. They are no security boundary.
    """

    def __init__(self) -> None:
        self._environments: dict[str, dict[str, Any]] = {}

    def create_isolated_environment(self, plugin_id: str) -> dict[str, Any]:
        """Makes the environment of a plugin anew.

        An earlier one of that plugin is cleaned up.

        Returns:
            A dict: ``plugin_id``; ``globals`` and ``locals``, which are one dict with the names that
            the code sees; ``imports``, the names of the modules that it imported; ``resources``, by
            name, cleaned up in the end.

        Raises:
            TypeError: ``plugin_id`` is no string.
        """
        _check_id(plugin_id)
        self.cleanup_environment(plugin_id)
        # One dict for both: a function sees the names beside it.
        names: dict[str, Any] = {}
        environment: dict[str, Any] = {
            "plugin_id": plugin_id,
            "globals": names,
            "locals": names,
            "imports": set(),
            "resources": {},
        }
        self._environments[plugin_id] = environment
        return environment

    def execute_in_environment(
        self, plugin_id: str, code: str, timeout: float | None = None
    ) -> Any:
        """Runs code in the environment of a plugin, which is made if there is none.

        ``qtforge`` and ``resources`` are among its names.

        Args:
            plugin_id: whose environment.
            code: what to run.
            timeout: seconds after which it is interrupted: on the main thread wherever it waits, on
                another one at its next line of Python. C code that never looks is not.

        Returns:
            The value of the expression that ends it, else None.

        Raises:
            TypeError: ``plugin_id`` or ``code`` is no string, or ``timeout`` no number.
            ValueError: ``timeout`` is not above 0.
            PluginTimeoutError: the time is over; its cause shows where the code stood.
            BaseException: whatever the code raises, as it is; its traceback shows the code's lines.
        """
        _check_id(plugin_id)
        if not isinstance(code, str):
            raise TypeError(f"code must be a str, not {type(code).__name__}")
        _check_timeout(timeout)
        environment = self._environments.get(plugin_id)
        if environment is None:
            environment = self.create_isolated_environment(plugin_id)
        name = f"<{plugin_id} {next(_NUMBERS)}>"
        # Kept as long as the environment is, because functions live that long.
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        environment.setdefault("_sources", []).append(name)
        body, value = _compile(code, name)
        names = _prepare(environment)
        if timeout is None:
            return _run(body, value, names)
        try:
            return within(timeout, lambda: _run(body, value, names))
        except Overdue as overdue:
            message = f"did not come back within {timeout} s"
            raise PluginTimeoutError(message, plugin_id=plugin_id) from overdue

    def cleanup_environment(self, plugin_id: str) -> None:
        """Cleans up the resources of a plugin's environment, the last one first, and forgets it.

        A resource has ``cleanup()`` or else ``close()``. What one raises is logged.

        Raises:
            TypeError: ``plugin_id`` is no string.
        """
        _check_id(plugin_id)
        environment = self._environments.pop(plugin_id, None)
        if environment is None:
            return
        resources = environment["resources"]
        while resources:
            name, resource = resources.popitem()
            cleanup = getattr(resource, "cleanup", None) or getattr(resource, "close", None)
            if not callable(cleanup):
                continue
            try:
                cleanup()
            except SURVIVED:
                _LOG.exception("%s: the resource %r could not be cleaned up", plugin_id, name)
        for source in environment.get("_sources", ()):
            linecache.cache.pop(source, None)


def _run(body: CodeType, value: CodeType | None, names: dict[str, Any]) -> Any:
    exec(body, names)
    return None if value is None else eval(value, names)


def _compile(code: str, name: str) -> tuple[CodeType, CodeType | None]:
    tree = ast.parse(code, name)
    value = None
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        tree.body.pop()
        value = compile(ast.Expression(last.value), name, "eval", 0, True)
    return compile(tree, name, "exec", 0, True), value


def _prepare(environment: dict[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = environment["globals"]
    if "__builtins__" not in names:
        imports: set[str] = environment["imports"]
        real = builtins.__import__

        def record(name: str, *args: Any, **kwargs: Any) -> Any:
            module = real(name, *args, **kwargs)
            imports.add(name)
            return module

        # A copy, so that what the code puts there reaches nobody else.
        names["__builtins__"] = {**vars(builtins), "__import__": record}
    names.setdefault("__name__", f"qtforge.environments.{environment['plugin_id']}")
    names.setdefault("qtforge", _api())
    names["resources"] = environment["resources"]
    return names


def _api() -> SimpleNamespace:
    return SimpleNamespace(
        PluginInterface=PluginInterface,
        ServicePlugin=ServicePlugin,
        PluginMetadata=PluginMetadata,
        PluginContext=PluginContext,
    )


def _check_timeout(timeout: object) -> None:
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, not {type(timeout).__name__}")
    if not 0 < timeout <= threading.TIMEOUT_MAX:
        raise ValueError(f"timeout must be a number of seconds above 0, not {timeout}")


def _check_id(plugin_id: object) -> None:
    if not isinstance(plugin_id, str):
        raise TypeError(f"plugin_id must be a str, not {type(plugin_id).__name__}")
