from qtforge.core import PluginInterface, PluginMetadata

PLUGIN_METADATA = {
    "id": "org.named",
    "version": "3.1.0",
    "description": "Has metadata",
    "plugin_type": "ui",
    "configuration": {"step": 5},
}


class Named(PluginInterface):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        self.context = context
        context.state["starts"] = context.state.get("starts", 0) + 1
        return super().initialize(context)

    def shutdown(self):
        print("named: shutdown")

    def starts(self):
        return self.context.state["starts"]

    def step(self):
        return self.context.get_configuration_manager().get_plugin_config()["step"]

    def publish(self, event, data):
        self.context.get_event_bus().publish(event, data)
