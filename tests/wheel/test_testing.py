"""``qtforge.testing`` and its pytest fixtures: unit tests of plugins without a host."""

from __future__ import annotations

import subprocess
import sys
import unittest

from qtforge.core import PluginExecutionError, PluginLoadError, PluginMetadata, ServicePlugin
from qtforge.testing import PluginFolder, RecordingContext
from support import DEADLINE, PROJECT, Case

PLUGIN = """
PLUGIN_METADATA = {"id": "com.example.echo"}


class Echo:
    def get_metadata(self):
        return PLUGIN_METADATA

    def initialize(self, context):
        bus = context.get_event_bus()
        bus.subscribe("ping", lambda data: bus.publish("pong", ("one", data)))
        context.state["starts"] = context.state.get("starts", 0) + 1

    def shutdown(self):
        pass
"""


class Contexts(unittest.TestCase):
    def test_the_bus_records_and_delivers(self) -> None:
        context = RecordingContext()
        bus = context.get_event_bus()
        bus.subscribe("ping", lambda data: bus.publish("pong", data + 1))
        self.assertEqual(bus.deliver("ping", 1), 1)
        self.assertEqual(bus.published, [("pong", 2)])
        self.assertEqual(bus.data_of("pong"), [2])
        bus.clear()
        self.assertEqual(bus.published, [])
        self.assertEqual(bus.subscribers("ping"), 1)
        context.end()
        self.assertEqual((bus.subscribers("ping"), bus.deliver("ping", 1)), (0, 0))

    def test_what_a_subscriber_raises_reaches_the_test(self) -> None:
        bus = RecordingContext().get_event_bus()
        bus.subscribe("ping", lambda data: 1 / data)
        self.assertRaises(ZeroDivisionError, bus.deliver, "ping", 0)
        with self.assertLogs("qtforge.plugins", "ERROR"):
            bus.publish("ping", 0)

    def test_state_configuration_and_services_are_what_was_given(self) -> None:
        clock = object()
        context = RecordingContext(
            "it",
            {"starts": 1},
            {"tick": 2},
            services={"clock": clock},
            configurations={"other": {"x": 1}},
        )
        self.assertEqual((context.plugin_id, context.state), ("it", {"starts": 1}))
        self.assertIs(context.get_service("clock"), clock)
        manager = context.get_configuration_manager()
        self.assertEqual(manager.get_plugin_config(), {"tick": 2})
        self.assertEqual(manager.get_plugin_config("other"), {"x": 1})

    def test_a_cleanup_that_raises_is_a_failure(self) -> None:
        context = RecordingContext()
        context.on_cleanup(lambda: 1 / 0)
        with self.assertLogs("qtforge", "ERROR"):
            self.assertRaisesRegex(PluginExecutionError, "ZeroDivisionError", context.end)

    def test_a_plugin_of_the_base_classes(self) -> None:
        class Plugin(ServicePlugin):
            def get_metadata(self) -> PluginMetadata:
                return PluginMetadata("it")

            def initialize(self, context: object) -> bool:
                assert isinstance(context, RecordingContext)
                return bool(super().initialize(context))

            def shutdown(self) -> bool:
                return bool(super().shutdown())

        plugin = Plugin()
        self.assertTrue(plugin.initialize(RecordingContext()))
        self.assertTrue(plugin.is_initialized())


class Folders(Case):
    def test_load_edit_reload(self) -> None:
        with PluginFolder(self.folder) as folder:
            path = folder.write("echo.py", PLUGIN)
            old = folder.load()
            self.assertEqual(folder.context.plugin_id, "com.example.echo")
            folder.edit('"one"', '"two"')
            new = folder.reload()
            self.assertIsNot(new, old)
            self.assertIs(new, folder.plugin)
            bus = folder.context.get_event_bus()
            bus.deliver("ping", 1)
            self.assertEqual(bus.data_of("pong"), [("two", 1)])
            self.assertEqual(folder.context.state, {"starts": 2})
            self.assertRaises(ValueError, folder.edit, "nothing of it", "")
            folder.edit("class Echo:", "class Echo")
            with self.assertLogs("qtforge", "ERROR"), self.assertRaises(PluginLoadError) as caught:
                folder.reload()
            self.assertEqual((caught.exception.phase, caught.exception.path), ("parse", str(path)))
            self.assertIs(folder.plugin, new)
        self.assertEqual(bus.subscribers("ping"), 0)

    def test_a_copy_is_edited_and_not_the_original(self) -> None:
        sample = PROJECT / "sample-plugins" / "greeter"
        before = {path: path.read_bytes() for path in sample.rglob("*.py")}
        with PluginFolder() as folder:
            folder.copy(sample)
            self.assertIsNotNone(folder.load())
            self.assertIsNotNone(folder.reload())
            place = folder.folder
        self.assertFalse(place.exists())
        self.assertEqual(before, {path: path.read_bytes() for path in sample.rglob("*.py")})

    def test_refusals_and_misuse(self) -> None:
        with PluginFolder(self.folder) as folder:
            self.assertIsNone(folder.plugin)
            self.assertRaises(ValueError, folder.load)
            folder.write("it.py", "PLUGIN_METADATA = {'id': 'it'}\ndef initialize(): return False\n")
            self.assertRaisesRegex(PluginLoadError, "returned False", folder.load)


class Pytest(Case):
    def run_pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE
        )

    def test_the_fixtures_are_there_without_a_word(self) -> None:
        self.put("echo.py", PLUGIN)
        self.put(
            "test_echo.py",
            """
            from pathlib import Path


            def test_alone(plugin_context, plugin_bus):
                from echo import Echo
                Echo().initialize(plugin_context)
                assert plugin_bus.deliver("ping", 1) == 1
                assert plugin_bus.data_of("pong") == [("one", 1)]


            def test_nothing_is_left_of_another_test(plugin_context, plugin_bus):
                assert plugin_bus.deliver("ping", 1) == 0
                assert plugin_context.state == {}


            def test_reloaded(plugin_folder):
                plugin_folder.copy(Path(__file__).with_name("echo.py"))
                old = plugin_folder.load()
                plugin_folder.edit('"one"', '"two"')
                assert plugin_folder.reload() is not old


            def test_that_fails(plugin_context):
                plugin_context.on_cleanup(lambda: 1 / 0)
            """,
        )
        run = self.run_pytest()
        # The last one passes, and its end does not.
        self.assertRegex(run.stdout, "4 passed, 1 error", run.stdout + run.stderr)
        fixtures = self.run_pytest("--fixtures").stdout
        for name in ["plugin_context", "plugin_bus", "plugin_folder"]:
            self.assertIn(name, fixtures)


if __name__ == "__main__":
    unittest.main()
