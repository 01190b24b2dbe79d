"""A little host for the sample plugins: it makes generations in the order that replug does.

Its way to load is simpler than the real one: own modules are imported under their plain names
while a plugin is loaded, and taken out of `sys.modules` afterwards.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from qtforge import _host
from qtforge.core import PluginContext, PluginInterface, ServicePlugin

SAMPLES = Path(__file__).parents[2] / "sample-plugins"
_numbers = itertools.count()


def load(name: str) -> ModuleType:
    """Executes `<name>.py` or `<name>/plugin.py` anew, with new copies of its own modules."""
    folder = SAMPLES / name
    entry = folder / "plugin.py" if folder.is_dir() else SAMPLES / f"{name}.py"
    package = f"sample_{name}_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(
        package, entry, submodule_search_locations=[str(entry.parent)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[package] = module
    sys.path.insert(0, str(entry.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(entry.parent))
        for added in set(sys.modules) - before:
            file = getattr(sys.modules[added], "__file__", None) or ""
            if file.startswith(str(SAMPLES)):
                del sys.modules[added]
    return module


def configuration(name: str, module: ModuleType) -> dict[str, Any]:
    """What the plugin's metadata says of its settings."""
    manifest = SAMPLES / name / "plugin.json"
    if manifest.exists():
        return dict(json.loads(manifest.read_text("utf-8")).get("configuration", {}))
    return dict(getattr(module, "PLUGIN_METADATA", {}).get("configuration", {}))


class Generation:
    """One generation of a sample: made, and then initialized, with what it prints kept aside."""

    def __init__(self, name: str, state: dict[str, Any] | None = None, **settings: Any) -> None:
        self.module = load(name)
        classes = [
            value
            for value in vars(self.module).values()
            if isinstance(value, type)
            and issubclass(value, PluginInterface)
            and value.__module__ == self.module.__name__
        ]
        assert len(classes) == 1, classes
        self.plugin: Any = classes[0]()
        self.id = str(self.plugin.get_metadata().id)
        merged = configuration(name, self.module) | settings
        self.context: PluginContext = _host.new_context(self.id, dict(state or {}), merged)
        self.printed = ""

    def start(self) -> Generation:
        """Initializes it, and starts its service."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert self.plugin.initialize(self.context) is not False
            if isinstance(self.plugin, ServicePlugin):
                assert self.plugin.start_service() is not False
        self.printed = out.getvalue()
        return self

    def end(self) -> list[str]:
        """Shuts it down; gives the cleanups that failed."""
        if isinstance(self.plugin, ServicePlugin):
            self.plugin.stop_service()
        self.plugin.shutdown()
        return self.context._dispose()
