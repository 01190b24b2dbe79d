"""Unit tests of plugins without a host: a context whose event bus records, and a folder to edit in.

:class:`RecordingContext` is enough for the tests of most plugins, and works wherever ``qtforge`` can be
imported. :class:`PluginFolder` loads, edits and reloads with the real loader, which comes with the
Python package. With pytest, both are there as fixtures: ``plugin_context``, ``plugin_bus`` and
``plugin_folder``.
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Optional, Union

from qtforge._context import EventBus, PluginContext
from qtforge._errors import PluginExecutionError, PluginLoadError
from qtforge._hub import Hub
from qtforge._loader import PythonPluginLoader
from qtforge._plugin import ServicePlugin

__all__ = ["PluginFolder", "Published", "RecordingContext", "RecordingEventBus"]

_Path = Union[str, "os.PathLike[str]"]


class Published(NamedTuple):
    """An event that was published."""

    event: str
    data: Any


class _RecordingHub(Hub):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[Published] = []

    def publish(self, event: str, data: Any, publisher: str = "") -> None:
        self.published.append(Published(event, data))
        super().publish(event, data, publisher)


class RecordingEventBus(EventBus):
    """An event bus that remembers what was published, and whose events a test can make."""

    def __init__(self, context: PluginContext, hub: _RecordingHub) -> None:
        super().__init__(context)
        self._hub = hub

    @property
    def published(self) -> list[Published]:
        """What was published so far, in order."""
        return list(self._hub.published)

    def data_of(self, event: str) -> list[Any]:
        """Gives the data of each event of that name that was published, in order."""
        return [data for name, data in self._hub.published if name == event]

    def subscribers(self, event: str) -> int:
        """Says how many are subscribed to an event now."""
        return len(self._hub.subscriptions.get(event, ()))

    def deliver(self, event: str, data: Any = None) -> int:
        """Calls whoever is subscribed, as if another plugin had published it.

        It is not recorded. What a subscriber raises reaches the test, unlike with ``publish``.

        Returns:
            How many were called.
        """
        called = [s for s in self._hub.subscriptions.get(event, ()) if s.active]
        for subscription in called:
            subscription.callback(data)
        return len(called)

    def clear(self) -> None:
        """Forgets what was published."""
        self._hub.published.clear()


class RecordingContext(PluginContext):
    """A context for ``initialize``, alone in its world.

    Args:
        plugin_id: as the plugin sees it.
        state: what a generation before would have left.
        configuration: what ``get_plugin_config()`` gives.
        services: objects under the names that ``get_service`` is asked for.
        configurations: those of other plugins, by id.
    """

    def __init__(
        self,
        plugin_id: str = "test",
        state: Optional[dict[str, Any]] = None,
        configuration: Optional[Mapping[str, Any]] = None,
        *,
        services: Optional[Mapping[str, Any]] = None,
        configurations: Optional[Mapping[str, Mapping[str, Any]]] = None,
    ) -> None:
        hub = _RecordingHub()
        super().__init__(plugin_id, state, configuration=configuration, _hub=hub)
        self._bus = RecordingEventBus(self, hub)
        others = PluginContext("others", _hub=hub)
        for name, service in (services or {}).items():
            others.register_service(name, service)
        for other, values in (configurations or {}).items():
            hub.configurations[other] = dict(values)

    def get_event_bus(self) -> RecordingEventBus:
        """Gives the event bus, which records."""
        return self._bus

    def end(self) -> None:
        """Undoes what was done through the context, as a host does after ``shutdown``.

        Raises:
            PluginExecutionError: something that is under ``on_cleanup`` raised.
        """
        failures = self._dispose()
        if failures:
            raise PluginExecutionError("; ".join(failures), plugin_id=self.plugin_id)


class PluginFolder:
    """One plugin in a folder of its own, on the real loader: load it, edit it, reload it.

    ::

        with PluginFolder() as folder:
            folder.copy("plugins/hello.py")
            plugin = folder.load()
            folder.edit("hello", "good day")
            plugin = folder.reload()

    Args:
        folder: an empty folder; by default a temporary one, which :meth:`close` deletes.
        mode: ``"exclusive"`` or ``"overlap"``.

    Attributes:
        folder: where it is.
        loader: the loader, which raises for what fails.
        context: what the plugin is initialized with; to be changed before :meth:`load`.
    """

    def __init__(self, folder: Optional[_Path] = None, *, mode: str = "exclusive") -> None:
        self._own: Optional[tempfile.TemporaryDirectory[str]] = None
        if folder is None:
            self._own = tempfile.TemporaryDirectory(prefix="qtforge-")
            folder = self._own.name
        self.folder = Path(folder).resolve()
        self.loader = PythonPluginLoader(raise_errors=True, mode=mode)
        self.context = RecordingContext()
        self._entry: Optional[Path] = None
        self._id: Optional[str] = None

    def write(self, name: str, text: str) -> Path:
        """Writes a file, whole; text that is indented as a whole is moved to the left.

        Returns:
            Its path. The first one is what :meth:`load` loads.
        """
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        self._entry = self._entry or self._unit(path)
        return path

    def copy(self, source: _Path) -> Path:
        """Copies a file, or what is in the folder of a folder plugin.

        Returns:
            The copy. The first one is what :meth:`load` loads.
        """
        origin = Path(source)
        target = self.folder / origin.resolve().name
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copyfile(origin, target)
        self._entry = self._entry or self._unit(target)
        return target

    def edit(self, old: str, new: str, name: Optional[str] = None) -> Path:
        """Replaces a piece of text in a file: in ``name``, or in the plugin's own.

        Raises:
            ValueError: the piece is not there exactly once.
        """
        path = self._file(name)
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{old!r} is {text.count(old)} times in {path.name}, and not once")
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    def load(self, *, initialize: bool = True) -> Any:
        """Loads the plugin and initializes it with :attr:`context`.

        Returns:
            The instance.

        Raises:
            PluginLoadError: it failed, with its cause chained, or ``initialize`` refused.
        """
        if self._entry is None:
            raise ValueError("there is nothing to load: write or copy a plugin first")
        known = set(self.loader.get_loaded_plugins())
        instance = self.loader.load_plugin(self._entry)
        self._id = next((i for i in self.loader.get_loaded_plugins() if i not in known), self._id)
        if self.context.plugin_id == "test" and self._id is not None:
            self.context.plugin_id = self._id
        if initialize:
            _initialize(instance, self.context)
        return instance

    def reload(self) -> Any:
        """Reloads it, from what is in the folder now.

        Returns:
            The new instance. It was initialized with the same context if the old one was.

        Raises:
            PluginLoadError: it failed, and the old instance goes on.
        """
        self.loader.reload_plugin(self._id or "")
        return self.plugin

    @property
    def plugin(self) -> Any:
        """The instance that is live; None before :meth:`load`."""
        return None if self._id is None else self.loader.get_plugin(self._id)

    def close(self) -> None:
        """Shuts the plugin down, and deletes the folder if it is a temporary one."""
        if self._id is not None:
            self.loader.unload_plugin(self._id)
        if self._own is not None:
            self._own.cleanup()

    def __enter__(self) -> PluginFolder:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _unit(self, path: Path) -> Path:
        # A file below a folder belongs to the folder plugin that this is, or will be.
        below = self.folder / path.relative_to(self.folder).parts[0]
        return below if path.is_dir() or below != path else path

    def _file(self, name: Optional[str]) -> Path:
        if name is not None:
            return self.folder / name
        if self._entry is None or self._entry.is_dir():
            raise ValueError("name the file to edit")
        return self._entry


def _initialize(instance: Any, context: PluginContext) -> None:
    initialize = getattr(instance, "initialize", None)
    if callable(initialize):
        takes = inspect.signature(initialize).parameters
        if (initialize(context) if takes else initialize()) is False:
            raise PluginLoadError("initialize() returned False", phase="initialize")
    if isinstance(instance, ServicePlugin) and instance.start_service() is False:
        raise PluginLoadError("start_service() returned False", phase="initialize")
