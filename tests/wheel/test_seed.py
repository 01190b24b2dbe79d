"""The usage examples of the document that the Python package is built to, run as they stand there.

Only the paths in them are those of a folder of the test.
"""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from typing import Any
from unittest import main

from qtforge import core
from support import Case

PLUGIN = """
from qtforge.core import PluginInterface, PluginMetadata

PLUGIN_METADATA = {"id": "com.example.myplugin", "name": "Mine", "version": "1.0.0"}


class MyPlugin(PluginInterface):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        return super().initialize(context)

    def shutdown(self):
        return super().shutdown()
"""

LOADING = """
# Create plugin loader
loader = PythonPluginLoader()

# Load plugin
plugin = loader.load_plugin("/path/to/my_plugin.py")

if plugin:
    # Initialize plugin
    context = PluginContext()
    if plugin.initialize(context):
        print("Plugin loaded and initialized successfully")
    else:
        print("Plugin initialization failed")
else:
    print("Failed to load plugin")
"""

DISCOVERY = """
# Create discovery service
discovery = PythonPluginDiscovery()

# Add search paths
discovery.add_search_path("/usr/local/lib/qtforge/plugins")
discovery.add_search_path("./plugins")

# Discover plugins
plugins = discovery.discover_plugins()

print(f"Found {len(plugins)} plugins:")
for plugin_id, path in plugins.items():
    print(f"  {plugin_id}: {path}")
"""

RELOAD = """
# Reload a plugin
if loader.reload_plugin("com.example.myplugin"):
    print("Plugin reloaded successfully")
else:
    print("Failed to reload plugin")
"""

ERRORS = """
# Usage in loader
try:
    plugin = loader.load_plugin(plugin_path)
except PluginLoadError as e:
    print(f"Plugin load error: {e}")
except Exception as e:
    print(f"Unexpected error: {e}")
"""


class Examples(Case):
    def setUp(self) -> None:
        super().setUp()
        self.names: dict[str, Any] = {name: getattr(core, name) for name in core.__all__}
        self.path = self.put("my_plugin.py", PLUGIN)

    def run_example(self, text: str) -> str:
        """Runs an example after those before it; what it printed."""
        text = text.replace("/path/to/my_plugin.py", str(self.path))
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(text, self.names)
        return printed.getvalue()

    def test_loading_a_python_plugin(self) -> None:
        told = self.run_example(LOADING)
        self.assertEqual(told, "Plugin loaded and initialized successfully\n")
        self.assertTrue(self.names["plugin"].is_initialized())

    def test_one_that_refuses_and_one_that_is_none(self) -> None:
        good = "return super().initialize(context)"
        self.put("my_plugin.py", PLUGIN.replace(good, "return False"))
        self.assertEqual(self.run_example(LOADING), "Plugin initialization failed\n")
        self.put("my_plugin.py", "raise ValueError('no')\n")
        with self.assertLogs("qtforge", "ERROR"):
            self.assertEqual(self.run_example(LOADING), "Failed to load plugin\n")

    def test_plugin_discovery(self) -> None:
        folder = os.getcwd()
        self.addCleanup(os.chdir, folder)
        os.chdir(self.folder)
        self.assertEqual(self.run_example(DISCOVERY), "Found 0 plugins:\n")
        path = self.put("plugins/deep/my_plugin.py", PLUGIN)
        told = f"Found 1 plugins:\n  com.example.myplugin: {path}\n"
        self.assertEqual(self.run_example(DISCOVERY), told)

    def test_hot_reload(self) -> None:
        self.run_example(LOADING)
        old = self.names["plugin"]
        self.assertEqual(self.run_example(RELOAD), "Plugin reloaded successfully\n")
        new = self.names["loader"].get_plugin("com.example.myplugin")
        self.assertIsNot(new, old)
        self.assertTrue(new.is_initialized())
        self.put("my_plugin.py", "def f(:\n")
        with self.assertLogs("qtforge", "ERROR"):
            self.assertEqual(self.run_example(RELOAD), "Failed to reload plugin\n")
        self.assertIs(self.names["loader"].get_plugin("com.example.myplugin"), new)
        self.assertTrue(self.names["loader"].unload_plugin("com.example.myplugin"))
        self.assertEqual(self.run_example(RELOAD), "Failed to reload plugin\n")

    def test_error_handling(self) -> None:
        self.names["plugin_path"] = str(self.path)
        self.names["loader"] = core.PythonPluginLoader()
        self.assertEqual(self.run_example(ERRORS), "")
        self.assertIsNotNone(self.names["plugin"])
        self.put("my_plugin.py", "raise ValueError('no')\n")
        with self.assertLogs("qtforge", "ERROR"):
            self.assertEqual(self.run_example(ERRORS), "")
        self.assertIsNone(self.names["plugin"])
        self.names["loader"] = core.PythonPluginLoader(raise_errors=True)
        with self.assertLogs("qtforge", "ERROR"):
            self.assertEqual(self.run_example(ERRORS), "Plugin load error: ValueError: no\n")


if __name__ == "__main__":
    main()
