"""The exceptions of the plugin API: one base, one for loading, one for running."""

from __future__ import annotations

import os


class PluginException(Exception):
    """Something went wrong with a plugin.

    Plugins may raise it themselves: ``raise PluginException("no device found")``. Where a cause is
    known it is chained (``raise ... from error``).

    Attributes:
        plugin_id: the plugin that it is about, or None.
        phase: at which step (``read``, ``parse``, ``metadata``, ``dependency``, ``import``,
            ``create``, ``initialize``, ``host``), or None.
        path: the file that is to blame, or None.
    """

    def __init__(
        self,
        *args: object,
        plugin_id: str | None = None,
        phase: str | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(*args)
        self.plugin_id = plugin_id
        self.phase = phase
        self.path = None if path is None else os.fspath(path)


class PluginLoadError(PluginException):
    """A plugin could not be loaded or reloaded."""


class PluginExecutionError(PluginException):
    """A plugin that was loaded failed while it ran."""


class PluginTimeoutError(PluginExecutionError, TimeoutError):
    """Code did not come back within its time; the cause shows where it stood."""


class PluginNotLoadedError(PluginException, LookupError):
    """There is no plugin of that id, or none that is live."""


class SupervisorError(RuntimeError):
    """A supervisor was used where it cannot be: before its start, after its end, in a fork."""
