"""One of a thousand."""

from qtforge.core import PluginInterface

PLUGIN_METADATA = {"id": "com.example.tiny{number}", "version": "1.0.0"}


class Tiny(PluginInterface):
    def get_metadata(self):
        return PLUGIN_METADATA

    def initialize(self, context):
        return True

    def shutdown(self):
        return True
