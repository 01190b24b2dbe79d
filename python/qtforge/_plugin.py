"""The base classes that plugins derive from, and the words for their states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtforge._context import PluginContext
    from qtforge._metadata import PluginMetadata


class PluginState(str, Enum):
    """Where a plugin stands in its life. Each member equals its word."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    INITIALIZING = "initializing"
    RUNNING = "running"
    RELOADING = "reloading"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ERROR = "error"

    def __str__(self) -> str:
        return str(self.value)


class PluginInterface(ABC):
    """The base class of plugins.

    The host calls every method from one thread, one call at a time. An ``__init__`` of your own
    need not call this class's: there is none.
    """

    # Class-level values, so that they are there whatever a plugin's __init__ does.
    _initialized: bool = False
    _context: PluginContext | None = None

    @abstractmethod
    def get_metadata(self) -> PluginMetadata:
        """Says what this plugin is. May be called at any time, also before :meth:`initialize`."""

    @abstractmethod
    def initialize(self, context: PluginContext) -> bool | None:
        """Starts the plugin; ``False`` refuses, an exception fails.

        It may be called again, with the same context and after :meth:`shutdown`, when an edit of
        the plugin failed and this version stays. So whatever ``shutdown`` gives up is made here,
        not in ``__init__``.

        ``super().initialize(context)`` notes the context and that the plugin is initialized.
        """
        self._context = context
        self._initialized = True
        return True

    @abstractmethod
    def shutdown(self) -> bool | None:
        """Ends the plugin: stop threads, close files. What it returns is not looked at.

        Subscriptions, services and what is under ``context.on_cleanup`` are undone afterwards by
        the host. ``super().shutdown()`` notes that the plugin is no longer initialized.
        """
        self._initialized = False
        return True

    def is_initialized(self) -> bool:
        """Says whether :meth:`initialize` has succeeded and :meth:`shutdown` has not come yet."""
        return self._initialized

    def get_context(self) -> PluginContext | None:
        """Gives the context that :meth:`initialize` was called with, or None before that."""
        return self._context


class ServiceInterface:
    """A base class for the objects that plugins offer to each other. It asks for nothing."""


class ServicePlugin(PluginInterface):
    """A plugin that runs a service.

    The host calls :meth:`start_service` after ``initialize`` and :meth:`stop_service` before
    ``shutdown``. Every method here has a default that works; most plugins override
    :meth:`start_service` to register an object with ``context.register_service``.
    """

    _service_running: bool = False

    def get_service_interface(self) -> ServiceInterface | ServicePlugin:
        """Gives the object whose methods are the service; by default the plugin itself."""
        return self

    def start_service(self) -> bool | None:
        """Starts the service; ``False`` refuses, an exception fails, both as in ``initialize``."""
        self._service_running = True
        return True

    def stop_service(self) -> bool | None:
        """Stops the service. What it returns is not looked at."""
        self._service_running = False
        return True

    def is_service_running(self) -> bool:
        """Says whether the service was started and has not been stopped."""
        return self._service_running
