"""What a plugin is given when it starts: :class:`PluginContext`, and what hangs on it.

Everything that a plugin does through its context is noted there, in order, and undone in reverse
order when the host ends that generation.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from qtforge._hub import SURVIVED, Callback, Hub, Registration, Subscription, logger_of, name_of

# How many further cleanups may come up while the noted ones are being undone. A cleanup that puts
# itself under on_cleanup again would otherwise never end.
_LATE = 1000

# No service, where None may be one.
_NOBODY: Any = object()


class _Record(Protocol):
    # A read-only property, so that a callable attribute will do as well as a method.
    @property
    def undo(self) -> Callable[[], object]: ...


class _Cleanup:
    """A callable under ``on_cleanup``."""

    __slots__ = ("undo",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.undo = callback

    def __str__(self) -> str:
        return f"cleanup {name_of(self.undo)}"


class PluginContext:
    """What a plugin has of the world around it. Made by the host; by hand in unit tests.

    Every argument is optional. A context that is made by hand stands alone: its event bus,
    services and configurations are its own. All methods may be called by any thread.

    Attributes:
        plugin_id: the id of the plugin that it was made for.
        logger: the plugin's logger, ``qtforge.plugins.<id>``.
    """

    def __init__(
        self,
        plugin_id: str = "",
        state: dict[str, Any] | None = None,
        logger: logging.Logger | None = None,
        configuration: Mapping[str, Any] | None = None,
        *,
        _hub: Hub | None = None,
        _wake: Callable[[str], bool] | None = None,
    ) -> None:
        self.plugin_id = plugin_id
        self.logger = logger_of(plugin_id) if logger is None else logger
        self._state: dict[str, Any] = {} if state is None else state
        self._configuration = {} if configuration is None else dict(configuration)
        self._hub = Hub() if _hub is None else _hub
        self._wake = _wake
        self._serial = self._hub.next_serial()
        # In the order of their making; guarded by the hub's lock.
        self._records: list[_Record] = []
        self._event_bus = EventBus(self)
        self._configuration_manager = ConfigurationManager(self)

    @property
    def state(self) -> dict[str, Any]:
        """A dict that is handed from generation to generation.

        A new generation gets a shallow copy, which counts once that generation is live. Keep
        plain values in it: an instance of a class of your own keeps that class's old code alive.
        Assigning another dict replaces the content.
        """
        return self._state

    @state.setter
    def state(self, value: Mapping[str, Any]) -> None:
        # The host holds this dict, so it stays the same object.
        content = dict(value)
        self._state.clear()
        self._state.update(content)

    def get_event_bus(self) -> EventBus:
        """Gives the event bus; always the same object for one context."""
        return self._event_bus

    def get_configuration_manager(self) -> ConfigurationManager:
        """Gives the reader of configurations; always the same object for one context."""
        return self._configuration_manager

    def register_service(self, name: str, service: Any) -> None:
        """Offers an object to other plugins under a name, until this generation ends.

        A second service of this plugin under the name takes the place of the first. One of
        another plugin is hidden, with a warning in the log, until this one is gone.

        Raises:
            TypeError: the name is not a string.
        """
        _check_name("the name of a service", name)
        registration = Registration(self._hub, self.plugin_id, self._serial, name, service)
        with self._hub.lock:
            self.unregister_service(name)
            hidden = self._hub.register(registration)
            self._records.append(registration)
        if hidden is not None:
            self.logger.warning("service %r hides the one of plugin %r", name, hidden)

    def unregister_service(self, name: str) -> bool:
        """Withdraws a service of this plugin; False if this generation registered none."""
        with self._hub.lock:
            for record in self._records:
                if isinstance(record, Registration) and record.name == name:
                    self._records.remove(record)
                    record.undo()
                    return True
        return False

    def get_service(self, name: str, default: Any = None) -> Any:
        """Gives the service that is registered under a name now, or ``default``.

        If nobody offers it and a lazy plugin names it under ``capabilities``, or has it as its id,
        that plugin is loaded first; not while this one is shut down. On a thread, that waits for
        other plugins' calls that are under way.

        Ask each time instead of keeping the answer: a reload of the other plugin replaces it.
        """
        service = self._hub.service(name, _NOBODY)
        if service is _NOBODY and self._wake is not None and self._wake(name):
            service = self._hub.service(name, _NOBODY)
        return default if service is _NOBODY else service

    def on_cleanup(self, callback: Callable[[], object]) -> None:
        """Has ``callback()`` called when this generation ends, the last one given first.

        It is called after ``shutdown``, and also when ``initialize`` failed half way. What it
        raises is logged.

        Raises:
            TypeError: it cannot be called.
        """
        _check_callable(callback)
        with self._hub.lock:
            self._records.append(_Cleanup(callback))

    def _hand_over(self) -> tuple[list[_Record], dict[str, Any]]:
        """Begins another generation with this context; for the host. Gives what was the old one's."""
        with self._hub.lock:
            taken = (self._records, self._state)
            self._records = []
            self._state = dict(self._state)
        return taken

    def _take_back(self, taken: tuple[list[_Record], dict[str, Any]]) -> None:
        """That generation failed: what the one before it had is back; for the host."""
        with self._hub.lock:
            self._records, self._state = taken

    def _dispose(
        self, records: list[_Record] | None = None, *, calls_cleanups: bool = True
    ) -> list[str]:
        """Undoes, in reverse order, what was done through this context; for the host.

        Gives one line for each cleanup that failed; each is logged too. The context can be used
        again afterwards, and disposed of again. An exception that is none of the plugin's
        business (a deadline, KeyboardInterrupt) passes through; call again for what is left.
        ``records`` are those of a generation that handed the context over. What is under
        ``on_cleanup`` is dropped without being called unless ``calls_cleanups``.
        """
        records = self._records if records is None else records
        if not calls_cleanups:
            with self._hub.lock:
                records[:] = [record for record in records if not isinstance(record, _Cleanup)]
        failures: list[str] = []
        for _ in range(len(records) + _LATE):
            with self._hub.lock:
                if not records:
                    return failures
                # It is taken off first: whatever comes of it, it is not done twice.
                record = records.pop()
            try:
                record.undo()
            except SURVIVED as error:
                self.logger.exception("%s failed", record)
                failures.append(f"{record}: {_describe(error)}")
        with self._hub.lock:
            if records:
                records.clear()
                failures.append("cleanups kept adding cleanups; the rest was dropped")
                self.logger.error(failures[-1])
        return failures


class EventBus:
    """The event bus as one plugin sees it; all plugins of a process share one underneath.

    ``publish`` calls the subscribers in the publishing thread, in the order in which they
    subscribed, and holds no lock while it does: callbacks may subscribe, unsubscribe and publish.
    """

    def __init__(self, context: PluginContext) -> None:
        self._context = context

    def subscribe(self, event: str, callback: Callback) -> None:
        """Has ``callback(data)`` called for each event of that name, until this generation ends.

        What is subscribed already (an equal callback, the same event) is not called twice.

        Raises:
            TypeError: the event is not a string, or the callback cannot be called.
        """
        _check_name("an event", event)
        _check_callable(callback)
        context = self._context
        hub = context._hub
        with hub.lock:
            if self._find(event, callback) is None:
                subscription = Subscription(hub, context.plugin_id, context.logger, event, callback)
                hub.subscribe(subscription)
                context._records.append(subscription)

    def unsubscribe(self, event: str, callback: Callback) -> bool:
        """Undoes :meth:`subscribe` of an equal callback; False if there was none.

        It takes effect at once, also for an event that is being published.
        """
        with self._context._hub.lock:
            subscription = self._find(event, callback)
            if subscription is None:
                return False
            self._context._records.remove(subscription)
            subscription.undo()
            return True

    def publish(self, event: str, data: Any = None) -> None:
        """Calls every subscriber of the event with ``data``, the same object for all.

        What a subscriber raises goes to that plugin's log, and the others are called all the same.

        Raises:
            TypeError: the event is not a string.
        """
        _check_name("an event", event)
        self._context._hub.publish(event, data, self._context.plugin_id)

    def _find(self, event: str, callback: Callback) -> Subscription | None:
        # A bound method is a new object each time it is looked up, so equality counts.
        for record in self._context._records:
            if (
                isinstance(record, Subscription)
                and record.event == event
                and record.callback == callback
            ):
                return record
        return None


class ConfigurationManager:
    """Reads the configurations of plugins: their own settings with the user's merged over them."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context

    def get_plugin_config(self, plugin_id: str | None = None) -> dict[str, Any]:
        """Gives a copy of a plugin's configuration, by default of this one's; {} if unknown.

        A plugin's own stays as it was when this generation began; an edit of it is a reload.
        """
        context = self._context
        if plugin_id is None or plugin_id == context.plugin_id:
            return copy.deepcopy(context._configuration)
        with context._hub.lock:
            return copy.deepcopy(context._hub.configurations.get(plugin_id, {}))


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a string, not {type(name).__name__}")


def _check_callable(callback: object) -> None:
    if not callable(callback):
        raise TypeError(f"{type(callback).__name__} cannot be called")


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except SURVIVED:
        text = "(its message cannot be shown)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
