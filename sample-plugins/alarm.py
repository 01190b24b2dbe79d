"""An alarm for `sensor.py`: it depends on that plugin and hears its events.

The dependency has the sensor start first and end last. Try: lower `limit` and save.
"""

from typing import Any

from qtforge.core import PluginContext, PluginInterface, PluginMetadata

PLUGIN_METADATA = {
    "id": "com.example.alarm",
    "name": "Alarm",
    "version": "1.0.0",
    "description": "Says when it gets too warm",
    "plugin_type": "extension",
    "dependencies": ["com.example.sensor"],
    "configuration": {"limit": 30.0},  # degrees Celsius
}


class Alarm(PluginInterface):
    """Warns once when a reading exceeds the limit, and again only after one that did not."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context: PluginContext) -> bool:
        configuration = context.get_configuration_manager().get_plugin_config()
        self._limit = float(configuration.get("limit", 30.0))
        self._ringing = False
        self._logger = context.logger
        # No need to unsubscribe: the host does so when this generation ends.
        context.get_event_bus().subscribe("sensor.reading", self._on_reading)
        super().initialize(context)
        return True

    def shutdown(self) -> bool:
        super().shutdown()
        return True

    def is_ringing(self) -> bool:
        """Whether the last reading exceeded the limit."""
        return self._ringing

    def _on_reading(self, reading: dict[str, Any]) -> None:
        # Called in the sensor's thread.
        warm = reading["celsius"] > self._limit
        if warm and not self._ringing:
            self._logger.warning("%.1f °C, limit %.1f °C", reading["celsius"], self._limit)
        self._ringing = warm
