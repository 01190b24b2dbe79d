"""The native half of the host's classes. For :mod:`qtforge` itself; it may change at any time."""

from collections.abc import Callable
from typing import Any, NoReturn, final

__all__ = [
    "__version__",
    "PROTOCOL",
    "Loader",
    "Supervisor",
    "discover",
    "main",
    "serve_host",
]

__version__: str
PROTOCOL: int

@final
class Loader:
    """The plugins of one ``PythonPluginLoader``; the caller sees to it that changes take turns."""

    def __new__(cls, timeout: float, shutdown_timeout: float, mode: str) -> Loader: ...
    @property
    def published(self) -> dict[str, Any]:
        """Id to instance; never changed while a change is under way."""
    def load(self, path: str) -> dict[str, Any]:
        """Loads what is at ``path``: ``id``, ``failures``, ``warnings``, ``cause``."""
    def reload(self, id: str) -> dict[str, Any] | None:
        """Gives a plugin a new generation; None if it is not known."""
    def unload(self, id: str) -> dict[str, Any] | None:
        """Ends a plugin; None if it is not known."""

@final
class Supervisor:
    """The supervisor of one ``qtforge.core.Supervisor``."""

    def __new__(cls, paths: list[str], config: str | None, settings: str) -> Supervisor: ...
    @property
    def published(self) -> dict[str, Any]:
        """Id to instance, if plugins run in this process: an old one until a new one is live."""
    def start(self) -> None:
        """Starts the process that plugins run in, if they do not run in this one."""
    def run(self, tell: Callable[[str], object]) -> None:
        """Runs until it is asked to stop; ``tell`` is called with each event, a JSON object."""
    def stop(self) -> None:
        """Asks it to stop, without waiting."""
    def reload(self, id: str, answer: Callable[[str | None], object]) -> None:
        """Asks for a reload; the answer is the event that it came to, or None."""
    def wake(self, id: str, answer: Callable[[bool | None], object]) -> None:
        """Asks for a plugin that may be lazy; the answer is whether it is live, or None."""
    def call(
        self,
        id: str,
        method: str,
        arguments: str,
        answer: Callable[[tuple[str | None, tuple[str, str, str | None] | None] | None], object],
    ) -> None:
        """Asks for a call with a JSON list; the answer is what it returned and what it raised."""

def discover(roots: list[str]) -> dict[str, str]:
    """The plugins below ``roots``: id to entry."""

def main(arguments: list[str]) -> NoReturn:
    """Runs the command line, program name first, and ends the process."""

def serve_host(arguments: list[str]) -> NoReturn:
    """Serves the supervisor that started this process, and ends it."""
