"""What the plugins of one process share: an event bus, services, configurations.

Takes records of who did what (the owner is a context's plugin id and serial number) and gives
them up again one by one, so that the end of a generation takes away its own and nothing else.
One lock guards everything here and is never held while a plugin's code is called.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any

Callback = Callable[[Any], object]

# Failures of a plugin that are logged and survived. Others that do not derive from Exception
# (KeyboardInterrupt, a host's own deadline) are meant for whoever called, and pass through.
SURVIVED: tuple[type[BaseException], ...] = (Exception, SystemExit)


def logger_of(plugin_id: str) -> logging.Logger:
    """Gives the logger of a plugin: ``qtforge.plugins.<id>``."""
    return logging.getLogger(f"qtforge.plugins.{plugin_id}" if plugin_id else "qtforge.plugins")


def name_of(function: object) -> str:
    """Gives a name for a message; never raises, however odd the callable."""
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__name__


class Subscription:
    """A callback that one context has subscribed to one event."""

    __slots__ = ("active", "callback", "event", "hub", "logger", "plugin_id")

    def __init__(
        self, hub: Hub, plugin_id: str, logger: logging.Logger, event: str, callback: Callback
    ) -> None:
        self.hub = hub
        self.plugin_id = plugin_id
        self.logger = logger
        self.event = event
        self.callback = callback
        self.active = True

    def __str__(self) -> str:
        return f"subscription of {name_of(self.callback)} to {self.event!r}"

    def undo(self) -> None:
        """Takes the callback off the bus. Doing so twice does no harm."""
        with self.hub.lock:
            self.active = False
            left = tuple(s for s in self.hub.subscriptions.get(self.event, ()) if s is not self)
            if left:
                self.hub.subscriptions[self.event] = left
            else:
                self.hub.subscriptions.pop(self.event, None)


class Registration:
    """A service that one context has registered under one name."""

    __slots__ = ("hub", "name", "plugin_id", "serial", "service")

    def __init__(self, hub: Hub, plugin_id: str, serial: int, name: str, service: object) -> None:
        self.hub = hub
        self.plugin_id = plugin_id
        self.serial = serial
        self.name = name
        self.service = service

    def __str__(self) -> str:
        return f"service {self.name!r}"

    def undo(self) -> None:
        """Takes the service off; the one that it stood before is back. Twice does no harm."""
        with self.hub.lock:
            left = [r for r in self.hub.services.get(self.name, ()) if r is not self]
            if left:
                self.hub.services[self.name] = left
            else:
                self.hub.services.pop(self.name, None)


class Hub:
    """The meeting place of the plugins of one process. Every method may be called by any thread.

    Attributes:
        lock: guards the three tables. It is re-entrant, because comparing callbacks and the
            garbage collector may run code that comes back here.
        subscriptions: by event, in the order in which they are called; the tuples are replaced,
            never changed, so that one being walked stays as it is.
        services: by name, the one in force last.
        configurations: by plugin id, as the host filled them in.
        listener: told of whatever is published, if the host wants to know; by whom, what, with what.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.subscriptions: dict[str, tuple[Subscription, ...]] = {}
        self.services: dict[str, list[Registration]] = {}
        self.configurations: dict[str, dict[str, Any]] = {}
        self.listener: Callable[[str, str, Any], object] | None = None
        self._serials = itertools.count(1)

    def next_serial(self) -> int:
        """Gives a number larger than any before: a context's age among those of its plugin."""
        return next(self._serials)

    def subscribe(self, subscription: Subscription) -> None:
        """Puts a callback on the bus, after those that are there."""
        with self.lock:
            present = self.subscriptions.get(subscription.event, ())
            self.subscriptions[subscription.event] = (*present, subscription)

    def publish(self, event: str, data: Any, publisher: str = "") -> None:
        """Calls who is subscribed now, in order, in this thread; one failing stops nobody."""
        with self.lock:
            called = self.subscriptions.get(event, ())
        for subscription in called:
            # One called before it may have taken it off.
            if not subscription.active:
                continue
            try:
                subscription.callback(data)
            except SURVIVED:
                subscription.logger.exception(
                    "%s failed on event %r", name_of(subscription.callback), event
                )
        if self.listener is not None:
            try:
                self.listener(publisher, event, data)
            except SURVIVED:
                logger_of(publisher).exception("the host could not be told of event %r", event)

    def register(self, registration: Registration) -> str | None:
        """Puts a service in force; gives the id of another plugin whose service it hides.

        Of two contexts of one plugin the newer stays in force, in whatever order they register.
        """
        with self.lock:
            row = self.services.setdefault(registration.name, [])
            plugin_id, serial = registration.plugin_id, registration.serial
            for place, other in enumerate(row):
                if other.plugin_id == plugin_id and other.serial > serial:
                    row.insert(place, registration)
                    return None
            hidden = row[-1].plugin_id if row else plugin_id
            row.append(registration)
        return None if hidden == plugin_id else hidden

    def service(self, name: str, default: Any) -> Any:
        """Gives the service in force under a name, or `default`."""
        with self.lock:
            row = self.services.get(name)
            return row[-1].service if row else default

    def forget(self, plugin_id: str) -> None:
        """Removes everything of a plugin, whichever of its contexts it came from."""
        with self.lock:
            self.configurations.pop(plugin_id, None)
            records: list[Subscription | Registration] = []
            for subscriptions in self.subscriptions.values():
                records.extend(s for s in subscriptions if s.plugin_id == plugin_id)
            for registrations in self.services.values():
                records.extend(r for r in registrations if r.plugin_id == plugin_id)
            for record in records:
                record.undo()
