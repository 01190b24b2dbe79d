"""A service that other plugins use: a counter with a name.

Another plugin asks for it each time, so that it never holds one that a reload has replaced:

    context.get_service("com.example.counter").increment("logins")
"""

import threading

from qtforge.core import (
    PluginContext,
    PluginMetadata,
    PluginType,
    ServiceInterface,
    ServicePlugin,
)


class CounterService(ServiceInterface):
    """Counts. Every method may be called by any thread."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._lock = threading.Lock()

    def increment(self, name: str, by: int = 1) -> int:
        """Counts on and gives the new value."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + by
            return self._counts[name]

    def value(self, name: str) -> int:
        """The value, 0 for a name that nobody has counted."""
        with self._lock:
            return self._counts.get(name, 0)


class CounterPlugin(ServicePlugin):
    """Registers the service while it runs; the counts survive reloads."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata(
            id="com.example.counter",
            name="Counter",
            version="1.0.0",
            description="Counts for other plugins",
            plugin_type=PluginType.SERVICE,
            capabilities=["counting"],
        )

    def initialize(self, context: PluginContext) -> bool:
        self._service = CounterService(context.state.setdefault("counts", {}))
        self._register = context.register_service
        super().initialize(context)
        return True

    def get_service_interface(self) -> CounterService:
        return self._service

    def start_service(self) -> bool:
        # The host withdraws it when this generation ends.
        self._register("com.example.counter", self._service)
        super().start_service()
        return True

    def shutdown(self) -> bool:
        super().shutdown()
        return True
