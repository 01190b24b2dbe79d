"""@NAME@: what it does, in one line."""

from qtforge.core import PluginInterface, PluginMetadata

PLUGIN_METADATA = {
    "id": "@ID@",
    "name": "@NAME@",
    "version": "0.1.0",
    "description": "What it does, in one line",
}


class @CLASS@(PluginInterface):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        # A save reloads this file: the state goes on to the new generation.
        starts = context.state.get("starts", 0) + 1
        context.state["starts"] = starts
        print(f"@ID@: start number {starts}")

    def shutdown(self):
        # What initialize() started ends here: threads, files, connections.
        print("@ID@: bye")
