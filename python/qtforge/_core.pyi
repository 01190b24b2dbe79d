"""The native half of the host's classes. For :mod:`qtforge` itself; it may change at any time."""

from typing import Any, NoReturn, final

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

def discover(roots: list[str]) -> dict[str, str]:
    """The plugins below ``roots``: id to entry."""

def main(arguments: list[str]) -> NoReturn:
    """Runs the command line, program name first, and ends the process."""

def serve_host(arguments: list[str]) -> NoReturn:
    """Serves the supervisor that started this process, and ends it."""
