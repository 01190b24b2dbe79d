"""What a plugin imports: ``from qtforge.core import PluginInterface, PluginMetadata``.

This module only gathers the names; each lives in a small module of its own.
"""

from qtforge._context import ConfigurationManager, EventBus, PluginContext
from qtforge._errors import PluginException, PluginExecutionError, PluginLoadError
from qtforge._metadata import PluginMetadata, PluginType
from qtforge._plugin import PluginInterface, PluginState, ServiceInterface, ServicePlugin

__all__ = [
    "ConfigurationManager",
    "EventBus",
    "PluginContext",
    "PluginException",
    "PluginExecutionError",
    "PluginInterface",
    "PluginLoadError",
    "PluginMetadata",
    "PluginState",
    "PluginType",
    "ServiceInterface",
    "ServicePlugin",
]
