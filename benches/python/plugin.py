"""A plugin of ordinary size, saved over and over by the benchmarks. Round {round}."""

from dataclasses import dataclass, field

from qtforge.core import PluginInterface, PluginMetadata

ROUND = {round}

PLUGIN_METADATA = {
    "id": "com.example.bench",
    "name": "Bench",
    "version": "1.0.{round}",
    "description": "Collects readings and says what is odd about them",
    "plugin_type": "utility",
    "configuration": {"limit": 40.0},
}


@dataclass
class Reading:
    """What a sensor said once."""

    sensor: str
    value: float
    tags: list[str] = field(default_factory=list)

    def is_odd(self, limit: float) -> bool:
        return abs(self.value) > limit


class Bench(PluginInterface):
    """Keeps the latest readings in `context.state`, over reloads too."""

    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        self._limit = PLUGIN_METADATA["configuration"]["limit"]
        self._readings = context.state.setdefault("readings", [])
        self.read("start", float(ROUND))
        return True

    def shutdown(self):
        self._readings = []
        return True

    def read(self, sensor, value):
        reading = Reading(sensor, value)
        if reading.is_odd(self._limit):
            reading.tags.append("odd")
        self._readings.append((reading.sensor, reading.value, *reading.tags))
        del self._readings[:-10]

    def summary(self):
        values = [value for _, value, *_ in self._readings]
        if not values:
            return "nothing was read"
        mean = sum(values) / len(values)
        return f"{len(values)} readings, {mean:.1f} on average"
