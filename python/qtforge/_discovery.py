"""Finds plugins without running them: :class:`PythonPluginDiscovery`."""

from __future__ import annotations

import os
from typing import Union

from qtforge._native import core

_Path = Union[str, "os.PathLike[str]"]


class PythonPluginDiscovery:
    """Discovers plugins below folders, by the same rules as ``replug``. No plugin code runs."""

    def __init__(self) -> None:
        self._core = core("PythonPluginDiscovery")
        self._search_paths: list[str] = []

    def add_search_path(self, path: _Path) -> None:
        """Adds a folder, or a file, to look at. One that is not there yet is no error.

        Raises:
            TypeError: ``path`` is no path.
        """
        text = os.fspath(path)
        if not isinstance(text, str):
            raise TypeError(f"path must be a str or a path, not {type(text).__name__}")
        if text not in self._search_paths:
            self._search_paths.append(text)

    def discover_plugins(self) -> dict[str, str]:
        """Gives the entry file of each plugin by its id.

        Of two plugins with one id there is the one of the search path that was added first, and there
        the first by path.
        """
        found: dict[str, str] = self._core.discover([p for p in self._search_paths if p])
        return found
