"""@NAME@: what it does, in one line."""

import greetings  # a module of this folder, which no other plugin sees
from qtforge.core import PluginInterface, PluginMetadata


class @CLASS@(PluginInterface):
    def get_metadata(self):
        return PluginMetadata("@ID@")  # plugin.json says the rest

    def initialize(self, context):
        # A save in this folder reloads the plugin: the state goes on to the new generation.
        starts = context.state.get("starts", 0) + 1
        context.state["starts"] = starts
        whom = context.get_configuration_manager().get_plugin_config()["whom"]
        print(f"@ID@: {greetings.hello(whom)} This is start number {starts}.")

    def shutdown(self):
        # What initialize() started ends here: threads, files, connections.
        print("@ID@: bye")
