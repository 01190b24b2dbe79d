"""What a plugin imports: ``from qtforge.core import PluginInterface, PluginMetadata``; and what hosts
plugins in a program of one's own: :class:`PythonPluginLoader` and its like.

This module only gathers the names; each lives in a small module of its own.
"""

from qtforge._context import ConfigurationManager, EventBus, PluginContext
from qtforge._discovery import PythonPluginDiscovery
from qtforge._environment import PythonPluginEnvironment
from qtforge._errors import (
    PluginException,
    PluginExecutionError,
    PluginLoadError,
    PluginNotLoadedError,
    PluginTimeoutError,
    SupervisorError,
)
from qtforge._events import Events
from qtforge._loader import PluginLoader, PythonPluginLoader
from qtforge._metadata import PluginMetadata, PluginType
from qtforge._plugin import PluginInterface, PluginState, ServiceInterface, ServicePlugin
from qtforge._supervisor import Supervisor

__all__ = [
    "ConfigurationManager",
    "EventBus",
    "Events",
    "PluginContext",
    "PluginException",
    "PluginExecutionError",
    "PluginInterface",
    "PluginLoadError",
    "PluginLoader",
    "PluginMetadata",
    "PluginNotLoadedError",
    "PluginState",
    "PluginTimeoutError",
    "PluginType",
    "PythonPluginDiscovery",
    "PythonPluginEnvironment",
    "PythonPluginLoader",
    "ServiceInterface",
    "ServicePlugin",
    "Supervisor",
    "SupervisorError",
]
