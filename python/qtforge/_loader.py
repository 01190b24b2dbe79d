"""Loads, reloads and unloads plugins in the program that calls: :class:`PythonPluginLoader`."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NoReturn, Optional, Union

from qtforge._errors import PluginLoadError
from qtforge._native import core

_LOG = logging.getLogger("qtforge")

_Path = Union[str, "os.PathLike[str]"]
_Outcome = dict[str, Any]


class PythonPluginLoader:
    """Loads and manages the plugins of this program.

    Every method may be called on any thread. Changes (load, reload, unload) come one after the other;
    the others never wait. What fails is logged (``logging.getLogger("qtforge")``) and told by the
    return value, or raised as :class:`PluginLoadError` with ``raise_errors``.

    Each plugin has modules of its own, so two loaders, or two plugins, that import a module of one name
    get each their own. A call into a plugin that takes longer than ``timeout`` seconds is interrupted
    if it runs on the main thread, and told in the log otherwise.

    Args:
        raise_errors: raise :class:`PluginLoadError`, with its cause chained, instead of returning
            ``None`` or ``False`` for what failed.
        timeout: seconds for each of import, create and initialize.
        shutdown_timeout: seconds for ``stop_service`` and for ``shutdown``.
        mode: ``"exclusive"``: a reload shuts the old instance down before it starts the new one;
            ``"overlap"``: after it.

    Raises:
        TypeError: a setting of the wrong type.
        ValueError: a setting out of range.
        RuntimeError: the native half is not installed.
    """

    def __init__(
        self,
        *,
        raise_errors: bool = False,
        timeout: float = 10.0,
        shutdown_timeout: float = 3.0,
        mode: str = "exclusive",
    ) -> None:
        self._raise_errors = bool(raise_errors)
        self._core = core("PythonPluginLoader").Loader(timeout, shutdown_timeout, mode)
        self._plugins: dict[str, Any] = self._core.published
        self._change = threading.Lock()
        self._changing: Optional[int] = None
        self._process = os.getpid()

    def load_plugin(self, plugin_path: _Path) -> Optional[Any]:
        """Loads a plugin: a ``.py`` file, or a folder with ``plugin.json`` or its entry file.

        The instance is made and not initialized. A plugin from there that is loaded already is
        reloaded.

        Returns:
            The instance, or None if it failed.

        Raises:
            PluginLoadError: it failed, with ``raise_errors``.
            TypeError: ``plugin_path`` is no path.
            RuntimeError: called by a plugin while this loader calls that plugin, or in a fork.
        """
        path = os.fspath(plugin_path)
        if not isinstance(path, str):
            raise TypeError(f"plugin_path must be a str or a path, not {type(path).__name__}")
        if "\0" in path:
            self._failed({"failures": [_nowhere(path)], "cause": None})
            return None
        outcome = self._do("load_plugin", lambda: self._core.load(path))
        if outcome["failures"] or outcome["id"] is None:
            self._failed(outcome)
            return None
        return self._plugins.get(outcome["id"])

    def unload_plugin(self, plugin_id: str) -> bool:
        """Shuts a plugin down and forgets it. Those that depend on it are shut down first.

        Returns:
            False if it is not loaded.

        Raises:
            TypeError: ``plugin_id`` is no string.
            RuntimeError: as for :meth:`load_plugin`.
        """
        _check_id(plugin_id)
        if self._do_known("unload_plugin", plugin_id, self._core.unload) is None:
            return self._unknown(plugin_id)
        return True

    def reload_plugin(self, plugin_id: str) -> bool:
        """Gives a plugin a new generation, from what is on disk now, also if nothing changed.

        If its user initialized the old instance, the new one is initialized with the same context. If
        anything fails, the old instance runs on as it was. Meanwhile :meth:`get_plugin` gives the old
        instance or the new one.

        Returns:
            False if it is not loaded, or if it failed.

        Raises:
            PluginLoadError: it failed, with ``raise_errors``.
            TypeError: ``plugin_id`` is no string.
            RuntimeError: as for :meth:`load_plugin`.
        """
        _check_id(plugin_id)
        outcome = self._do_known("reload_plugin", plugin_id, self._core.reload)
        if outcome is None:
            return self._unknown(plugin_id)
        if outcome["failures"] or outcome["id"] is None:
            self._failed(outcome)
            return False
        return True

    def get_plugin(self, plugin_id: str) -> Optional[Any]:
        """Gives the instance of a plugin, or None if it is not loaded. Never waits."""
        _check_id(plugin_id)
        return self._plugins.get(plugin_id)

    def get_loaded_plugins(self) -> list[str]:
        """Gives the ids of all loaded plugins. Never waits."""
        return list(self._plugins)

    def is_plugin_loaded(self, plugin_id: str) -> bool:
        """Says whether a plugin is loaded. Never waits."""
        _check_id(plugin_id)
        return plugin_id in self._plugins

    def _do_known(
        self, what: str, plugin_id: str, change: Callable[[str], Optional[_Outcome]]
    ) -> Optional[_Outcome]:
        def known() -> Optional[_Outcome]:
            return change(plugin_id) if plugin_id in self._plugins else None

        outcome: Optional[_Outcome] = self._do(what, known)
        return outcome

    def _do(self, what: str, change: Callable[[], Any]) -> Any:
        """One change at a time. Waiting is done by Python's own lock, so Ctrl-C ends it."""
        if os.getpid() != self._process:
            raise RuntimeError(f"{what}: this loader belongs to another process; make a new one")
        if self._changing == threading.get_ident():
            raise RuntimeError(f"{what} was called from within a change of the same loader")
        with self._change:
            self._changing = threading.get_ident()
            try:
                outcome = change()
            finally:
                self._changing = None
        if outcome is not None:
            for warning in outcome["warnings"]:
                _LOG.warning("%s", warning)
            if isinstance(outcome["cause"], KeyboardInterrupt) and _pressed(outcome["cause"]):
                raise outcome["cause"]
        return outcome

    def _unknown(self, plugin_id: str) -> bool:
        if self._raise_errors:
            raise PluginLoadError(f"the plugin {plugin_id} is not loaded", plugin_id=plugin_id)
        return False

    def _failed(self, outcome: _Outcome) -> None:
        for failure in outcome["failures"]:
            _LOG.error("%s", _text(failure))
        if self._raise_errors:
            _raise(outcome)


# The seed has both names.
PluginLoader = PythonPluginLoader


def _raise(outcome: _Outcome) -> NoReturn:
    failures: list[dict[str, Any]] = outcome["failures"]
    if not failures:
        raise PluginLoadError("the plugin is not there any more")
    failure = failures[-1]
    message = f"{failure['type']}: {failure['message']}"
    raise PluginLoadError(
        message, plugin_id=failure["id"], phase=failure["phase"], path=failure["path"]
    ) from outcome["cause"]


def _text(failure: dict[str, Any]) -> str:
    place = failure["file"] or failure["path"]
    line = "" if failure["line"] is None else f":{failure['line']}"
    text = (
        f"{failure['id'] or failure['path']} failed at {failure['phase']}: "
        f"{failure['type']}: {failure['message']} ({place}{line})"
    )
    return f"{text}\n{failure['traceback'].rstrip()}" if failure["traceback"] else text


def _nowhere(path: str) -> dict[str, Any]:
    return {
        "id": None,
        "path": path,
        "phase": "read",
        "type": "ReadError",
        "message": "a path holds no NUL character",
        "file": None,
        "line": None,
        "traceback": None,
    }


def _check_id(plugin_id: object) -> None:
    if not isinstance(plugin_id, str):
        raise TypeError(f"plugin_id must be a str, not {type(plugin_id).__name__}")


def _pressed(error: KeyboardInterrupt) -> bool:
    """Whether it was Ctrl-C, and not the plugin's own `raise KeyboardInterrupt`."""
    import dis

    entry = error.__traceback__
    if entry is None:
        return True
    while entry.tb_next is not None:
        entry = entry.tb_next
    frame: FrameType = entry.tb_frame
    if not frame.f_globals.get("__name__", "").startswith("qtforge.plugins."):
        return True
    code: CodeType = frame.f_code
    return dis.opname[code.co_code[entry.tb_lasti]] != "RAISE_VARARGS"
