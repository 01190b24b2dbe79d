"""A thermometer (a make-believe one) that publishes what it reads; `alarm.py` listens.

Try: let `_read` give higher values and save. The alarm is reloaded with it, since it depends on
this plugin, and goes off.
"""

import itertools
import math
import threading

from qtforge.core import PluginContext, PluginInterface, PluginMetadata

PLUGIN_METADATA = {
    "id": "com.example.sensor",
    "name": "Sensor",
    "version": "1.0.0",
    "description": "Publishes sensor.reading",
    "plugin_type": "extension",
    "configuration": {"interval": 1.0},  # seconds from one reading to the next
}


class Sensor(PluginInterface):
    """Publishes `sensor.reading` with `{"celsius": float}` from a thread of its own."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context: PluginContext) -> bool:
        configuration = context.get_configuration_manager().get_plugin_config()
        self._interval = float(configuration.get("interval", 1.0))
        self._bus = context.get_event_bus()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sensor", daemon=True)
        self._thread.start()
        super().initialize(context)
        return True

    def shutdown(self) -> bool:
        self._stop.set()
        self._thread.join()
        super().shutdown()
        return True

    def publish(self, celsius: float) -> None:
        """Publishes one reading, in degrees Celsius."""
        self._bus.publish("sensor.reading", {"celsius": celsius})

    def _read(self, moment: int) -> float:
        return 21.0 + 3.0 * math.sin(moment / 10)

    def _run(self) -> None:
        for moment in itertools.count():
            if self._stop.wait(self._interval):
                return
            self.publish(self._read(moment))
