"""The host's side of the plugin API: contexts that are bound to this process's one hub.

For each generation the host calls :func:`new_context`, then ``initialize`` with what it got. When
that generation has ended, or its start failed, the host calls ``context._dispose()``, which undoes
what was done through the context and gives one line for each cleanup that failed. The same context
may then be used for the same instance again. Two contexts of one plugin may be alive at once;
disposing of one leaves what came from the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtforge._context import PluginContext
from qtforge._hub import Hub

#: Where the plugins of this process meet, unless their supervisor has a hub of its own.
HUB = Hub()


def new_hub() -> Hub:
    """Makes a meeting place for the plugins of one supervisor among several in this process."""
    return Hub()


def new_context(
    plugin_id: str,
    state: dict[str, Any],
    configuration: dict[str, Any],
    hub: Hub = HUB,
    wake: Callable[[str], bool] | None = None,
) -> PluginContext:
    """Makes the context of a new generation.

    ``state`` is used as it is, not copied: copy it first if the generation before is still alive.
    ``configuration`` is noted as this plugin's for all others to read, as by :func:`configure`.
    ``wake`` is called with the name of a service that nobody offers, and says whether somebody may by
    now.
    """
    configure(plugin_id, configuration, hub)
    return PluginContext(plugin_id, state, configuration=configuration, _hub=hub, _wake=wake)


def configure(plugin_id: str, configuration: dict[str, Any], hub: Hub = HUB) -> None:
    """Notes the configuration of a plugin that may not be loaded yet, for others to read."""
    with hub.lock:
        hub.configurations[plugin_id] = configuration


def listen(listener: Callable[[str, str, Any], None]) -> None:
    """Has ``listener(plugin_id, event, data)`` called for whatever a plugin publishes.

    It is called on the publishing thread, after the subscribers; what it raises is logged.
    """
    HUB.listener = listener
