"""A folder plugin: settings in `plugin.json`, helper modules beside this file.

Try: `replug exec com.example.greeter 'plugin.greet("Ada")'`, or edit `phrases.py` while it is
watched: the greeter is reloaded, and no other plugin that has a `phrases.py` of its own.
"""

import phrases
from qtforge.core import PluginContext, PluginInterface, PluginMetadata

from . import formats


class Greeter(PluginInterface):
    """Greets whoever is named."""

    def get_metadata(self) -> PluginMetadata:
        # `plugin.json` says the rest, and what it says counts.
        return PluginMetadata("com.example.greeter")

    def initialize(self, context: PluginContext) -> bool:
        configuration = context.get_configuration_manager().get_plugin_config()
        self._greeting = str(configuration.get("greeting", "Hello"))
        self._frame = str(configuration.get("frame", "*"))
        print(self.greet("everybody"))
        super().initialize(context)
        return True

    def shutdown(self) -> bool:
        super().shutdown()
        return True

    def greet(self, name: str) -> str:
        """The greeting for one person."""
        return formats.framed(phrases.greeting(self._greeting, name), self._frame)
