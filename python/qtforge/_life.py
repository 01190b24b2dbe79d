"""What a program did with an instance that it loaded, so that a reload can do the same.

``load_plugin`` does not initialize. Whoever called it does, with a context of their own, and a reload
then initializes the new generation with the same one. So the instance tells: its ``initialize``,
``shutdown``, ``start_service`` and ``stop_service`` are noted as they are called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from qtforge._context import PluginContext
from qtforge._plugin import PluginInterface, ServicePlugin

_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Life:
    """One generation in the hands of its user. The host calls every method."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance
        # Of the call of `initialize` that is in force.
        self._arguments: _Arguments | None = None
        self._serving = False
        self._ended = False
        # The same, as it was when the host stopped it.
        self._was: tuple[_Arguments | None, bool] = (None, False)
        self._before: Life | None = None
        self._taken: Any = None
        # What was done through the context, if that is in other hands meanwhile.
        self._apart: Any = None
        for name in ("initialize", "shutdown", "start_service", "stop_service"):
            self._listen(name)

    def _listen(self, name: str) -> None:
        method = getattr(self._instance, name, None)
        if not callable(method):
            return
        note: Callable[[tuple[Any, ...], dict[str, Any]], None] = getattr(self, f"_{name}")

        @functools.wraps(method)
        def noted(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            if answer is not False:
                note(args, kwargs)
            return answer

        try:
            setattr(self._instance, name, noted)
        except (AttributeError, TypeError):
            # It has __slots__: what its base class notes has to do.
            pass

    def _initialize(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._arguments = (args, kwargs)
        self._ended = False
        if isinstance(self._instance, PluginInterface):
            # Authors forget to keep them, and the helpers of the base class speak of them.
            if self._instance._context is None:
                self._instance._context = _context(self._arguments)
            self._instance._initialized = True

    def _shutdown(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._arguments = None
        self._ended = True
        if isinstance(self._instance, PluginInterface):
            self._instance._initialized = False

    def _start_service(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._serving = True

    def _stop_service(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._serving = False

    def _now(self) -> tuple[_Arguments | None, bool]:
        arguments = self._arguments
        if arguments is None and not self._ended:
            instance = self._instance
            if isinstance(instance, PluginInterface) and instance.is_initialized():
                arguments = ((instance.get_context(),), {})
        return arguments, self._serving

    def stop_service(self) -> None:
        """Stops the service if it runs. The first step of an end."""
        self._was = self._now()
        if self._serving and isinstance(self._instance, ServicePlugin):
            self._instance.stop_service()

    def shutdown(self) -> None:
        """Shuts it down, unless its user did that."""
        method = getattr(self._instance, "shutdown", None)
        if callable(method) and not self._ended:
            method()

    def _dispose(self, *, calls_cleanups: bool = True) -> list[str]:
        context = _context(self._arguments or self._was[0])
        if context is None:
            return []
        return context._dispose(self._apart, calls_cleanups=calls_cleanups)

    def follow(self, before: Life) -> str | None:
        """Does with this instance what was done with the one before it; why it refused, if so."""
        was = before._was if before._was[0] is not None else before._now()
        context = _context(was[0])
        if context is not None:
            self._before = before
            self._taken = context._hand_over()
            before._apart = self._taken[0]
            self._was = was
        return self._start(was)

    def abandon(self) -> None:
        """It failed: the context belongs to the one before it again."""
        context = _context(self._was[0])
        if self._before is not None and context is not None:
            context._take_back(self._taken)
            self._before._apart = None

    def again(self) -> str | None:
        """Starts it again as it was when it was stopped; why it refused, if so."""
        self._ended = False
        return self._start(self._was)

    def _start(self, was: tuple[_Arguments | None, bool]) -> str | None:
        arguments, serving = was
        if arguments is None:
            return None
        args, kwargs = arguments
        if self._instance.initialize(*args, **kwargs) is False:
            return "initialize() returned False"
        if serving and self._instance.start_service() is False:
            return "start_service() returned False"
        return None


def _context(arguments: _Arguments | None) -> PluginContext | None:
    if arguments is None:
        return None
    args, kwargs = arguments
    context = args[0] if args else kwargs.get("context")
    return context if isinstance(context, PluginContext) else None
