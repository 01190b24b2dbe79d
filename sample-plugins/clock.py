"""A clock that ticks in a thread of its own, and knows over reloads how often it has.

Try: change `tick`, or the text that is printed, and save.
"""

import threading

from qtforge.core import PluginContext, PluginInterface, PluginMetadata

PLUGIN_METADATA = {
    "id": "com.example.clock",
    "name": "Clock",
    "version": "1.0.0",
    "description": "Counts its ticks, over reloads too",
    "plugin_type": "utility",
    "configuration": {"tick": 1.0},  # seconds from one tick to the next
}


class Clock(PluginInterface):
    """Counts in `context.state`, because that is what the next generation gets."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context: PluginContext) -> bool:
        configuration = context.get_configuration_manager().get_plugin_config()
        self._tick = float(configuration.get("tick", 1.0))
        self._state = context.state
        self._logger = context.logger
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()
        print(f"clock: {self.ticks()} ticks so far, one every {self._tick:g} s")
        super().initialize(context)
        return True

    def shutdown(self) -> bool:
        # wait() below returns at once, so the thread ends now and not at the next tick.
        self._stop.set()
        self._thread.join()
        super().shutdown()
        return True

    def ticks(self) -> int:
        """How often it has ticked, in all generations together."""
        return int(self._state.get("ticks", 0))

    def _run(self) -> None:
        while not self._stop.wait(self._tick):
            self._state["ticks"] = self.ticks() + 1
            self._logger.debug("tick %d", self.ticks())
