"""``PythonPluginLoader`` and ``PythonPluginDiscovery``: the seed's examples, and what the contract adds."""

from __future__ import annotations

import os
import signal
import sys
import threading
import unittest
from typing import Any

from qtforge.core import (
    PluginContext,
    PluginLoader,
    PluginLoadError,
    PythonPluginDiscovery,
    PythonPluginLoader,
)
from support import DEADLINE, Case

PLUGIN = """
from qtforge.core import PluginInterface, PluginMetadata
import helper

PLUGIN_METADATA = {"id": "com.example.myplugin", "version": "1.0.0"}


class MyPlugin(PluginInterface):
    calls = []

    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        self.context = context
        context.state["starts"] = context.state.get("starts", 0) + 1
        context.get_event_bus().subscribe("ping", self.on_ping)
        return True

    def on_ping(self, answers):
        answers.append(self.answer())

    def answer(self):
        return helper.ANSWER

    def shutdown(self):
        self.ended = True
"""


class Loader(Case):
    def setUp(self) -> None:
        super().setUp()
        self.loader = PythonPluginLoader()
        self.put("helper.py", "ANSWER = 1\n")
        self.path = self.put("my_plugin.py", PLUGIN)

    def load(self) -> Any:
        plugin = self.loader.load_plugin(str(self.path))
        self.assertIsNotNone(plugin)
        return plugin

    def test_loading_as_the_seed_shows_it(self) -> None:
        self.assertIs(PluginLoader, PythonPluginLoader)
        plugin = self.loader.load_plugin(self.path)
        assert plugin
        self.assertFalse(plugin.is_initialized())
        context = PluginContext()
        self.assertTrue(plugin.initialize(context))
        self.assertTrue(plugin.is_initialized())
        self.assertEqual(self.loader.get_loaded_plugins(), ["com.example.myplugin"])
        self.assertTrue(self.loader.is_plugin_loaded("com.example.myplugin"))
        self.assertIs(self.loader.get_plugin("com.example.myplugin"), plugin)

    def test_a_reload_as_the_seed_shows_it(self) -> None:
        old = self.load()
        context = PluginContext()
        old.initialize(context)
        self.put("helper.py", "ANSWER = 2\n")
        self.assertTrue(self.loader.reload_plugin("com.example.myplugin"))
        new = self.loader.get_plugin("com.example.myplugin")
        assert new is not None
        self.assertIsNot(new, old)
        self.assertTrue(old.ended)
        self.assertIs(new.context, context)
        self.assertEqual((new.answer(), context.state["starts"]), (2, 2))
        answers: list[int] = []
        context.get_event_bus().publish("ping", answers)
        self.assertEqual(answers, [2])

    def test_one_that_was_not_initialized_is_not_initialized_by_a_reload(self) -> None:
        self.load()
        self.assertTrue(self.loader.reload_plugin("com.example.myplugin"))
        new = self.loader.get_plugin("com.example.myplugin")
        assert new is not None
        self.assertFalse(new.is_initialized())

    def test_a_bad_edit_leaves_the_old_one_running(self) -> None:
        old = self.load()
        context = PluginContext()
        old.initialize(context)
        for bad, kind in [
            (PLUGIN + "def", SyntaxError),
            (PLUGIN + "raise ValueError('no')\n", ValueError),
            (PLUGIN.replace("self.context = context", "raise KeyError('no')"), KeyError),
        ]:
            with self.subTest(kind=kind):
                self.put("my_plugin.py", bad)
                with self.assertLogs("qtforge", "ERROR") as logs:
                    self.assertFalse(self.loader.reload_plugin("com.example.myplugin"))
                self.assertIn(kind.__name__, logs.output[0])
                self.assertIs(self.loader.get_plugin("com.example.myplugin"), old)
                self.assertTrue(old.is_initialized())
                answers: list[int] = []
                context.get_event_bus().publish("ping", answers)
                self.assertEqual(answers, [1])

    def test_a_file_that_does_not_read_as_a_plugin_any_more_keeps_it(self) -> None:
        old = self.load()
        for text, kind in [("def f(:\n", "SyntaxError"), ("x = 1\n", "metadata"), ("", "metadata")]:
            with self.subTest(text=text):
                self.put("my_plugin.py", text)
                with self.assertLogs("qtforge", "ERROR") as logs:
                    self.assertFalse(self.loader.reload_plugin("com.example.myplugin"))
                self.assertIn(kind, logs.output[0])
                self.assertIs(self.loader.get_plugin("com.example.myplugin"), old)
        self.put("my_plugin.py", PLUGIN)
        self.assertTrue(self.loader.reload_plugin("com.example.myplugin"))

    def test_unloading(self) -> None:
        plugin = self.load()
        self.assertTrue(self.loader.unload_plugin("com.example.myplugin"))
        self.assertTrue(plugin.ended)
        self.assertFalse(self.loader.unload_plugin("com.example.myplugin"))
        self.assertFalse(self.loader.reload_plugin("com.example.myplugin"))
        self.assertIsNone(self.loader.get_plugin("com.example.myplugin"))
        self.assertEqual(self.loader.get_loaded_plugins(), [])
        package = type(plugin).__module__
        names = [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]
        self.assertEqual(names, [])

    def test_failures_are_raised_with_their_cause_if_asked_for(self) -> None:
        loader = PythonPluginLoader(raise_errors=True)
        bad = self.put("bad.py", "PLUGIN_METADATA = {'id': 'bad'}\nprint(1 / 0)\n")
        with self.assertLogs("qtforge"), self.assertRaises(PluginLoadError) as caught:
            loader.load_plugin(bad)
        error = caught.exception
        self.assertIsInstance(error.__cause__, ZeroDivisionError)
        self.assertEqual((error.plugin_id, error.phase, error.path), ("bad", "import", str(bad)))
        with self.assertRaises(PluginLoadError):
            loader.reload_plugin("nobody")
        # Mended, it loads: nothing of the failure stayed.
        self.put("bad.py", "PLUGIN_METADATA = {'id': 'bad'}\ndef initialize(): pass\n")
        self.assertIsNotNone(loader.load_plugin(bad))

    def test_what_cannot_be_loaded_is_none(self) -> None:
        self.put("nothing.py", "x = 1\n")
        for name in ["nothing.py", "missing.py", ".", "nul\0"]:
            with self.subTest(name), self.assertLogs("qtforge", "ERROR"):
                self.assertIsNone(self.loader.load_plugin(f"{self.folder}/{name}"))
        self.assertEqual(self.loader.get_loaded_plugins(), [])

    def test_a_class_without_any_mark_and_a_folder(self) -> None:
        self.put(
            "plain.py",
            """
            class Plain:
                def get_metadata(self):
                    return {"id": "org.plain"}
                def initialize(self, context):
                    pass
            """,
        )
        self.put("folder/plugin.json", '{"id": "org.folder"}')
        self.put("folder/one.py", "import two\ndef initialize(): return two.X\n")
        self.put("folder/two.py", "X = True\n")
        self.assertIsNotNone(self.loader.load_plugin(self.folder / "plain.py"))
        folder = self.loader.load_plugin(self.folder / "folder" / "one.py")
        assert folder is not None
        self.assertIs(folder.initialize(), True)
        self.assertEqual(set(self.loader.get_loaded_plugins()), {"org.plain", "org.folder"})

    def test_two_loaders_do_not_meddle(self) -> None:
        other = PythonPluginLoader()
        one, two = self.load(), other.load_plugin(self.path)
        assert two is not None
        self.assertNotEqual(type(one).__module__, type(two).__module__)
        self.put("helper.py", "ANSWER = 2\n")
        self.assertTrue(other.reload_plugin("com.example.myplugin"))
        new = other.get_plugin("com.example.myplugin")
        assert new is not None
        self.assertEqual((one.answer(), new.answer()), (1, 2))
        self.assertTrue(other.unload_plugin("com.example.myplugin"))
        self.assertIs(self.loader.get_plugin("com.example.myplugin"), one)

    def test_overlap_starts_the_new_one_first(self) -> None:
        self.loader = PythonPluginLoader(mode="overlap")
        old = self.load()
        context = PluginContext()
        old.initialize(context)
        text = PLUGIN.replace("self.context = context", "assert not hasattr(context.old, 'ended')")
        context.old = old  # type: ignore[attr-defined]
        self.put("my_plugin.py", text)
        self.assertTrue(self.loader.reload_plugin("com.example.myplugin"))
        self.assertTrue(old.ended)
        answers: list[int] = []
        context.get_event_bus().publish("ping", answers)
        self.assertEqual(answers, [1])

    def test_reads_do_not_wait_and_changes_take_turns(self) -> None:
        old = self.load()
        inside, go_on = threading.Event(), threading.Event()
        context = PluginContext()
        context.events = (inside, go_on)  # type: ignore[attr-defined]
        old.initialize(context)
        waits = PLUGIN.replace(
            "self.context = context",
            "context.events[0].set(); assert context.events[1].wait(60)",
        )
        self.put("my_plugin.py", waits)
        done: list[bool] = []

        def reload() -> None:
            done.append(self.loader.reload_plugin("com.example.myplugin"))

        threads = [threading.Thread(target=reload) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.assertTrue(inside.wait(DEADLINE))
        self.assertIs(self.loader.get_plugin("com.example.myplugin"), old)
        self.assertEqual(self.loader.get_loaded_plugins(), ["com.example.myplugin"])
        go_on.set()
        for thread in threads:
            thread.join()
        self.assertEqual(done, [True] * 4)
        self.assertEqual(context.state["starts"], 5)

    def test_a_change_from_within_a_change_is_refused(self) -> None:
        self.put(
            "my_plugin.py",
            PLUGIN.replace("self.ended = True", "self.ended = True; self.context.reload()"),
        )
        plugin = self.load()
        context = PluginContext()
        refused: list[str] = []

        def reload() -> None:
            try:
                self.loader.reload_plugin("com.example.myplugin")
            except RuntimeError as error:
                refused.append(str(error))

        context.reload = reload  # type: ignore[attr-defined]
        plugin.initialize(context)
        self.assertTrue(self.loader.reload_plugin("com.example.myplugin"))
        self.assertEqual(len(refused), 1)
        self.assertIn("within a change", refused[0])

    def test_a_hang_on_the_main_thread_ends_at_its_deadline(self) -> None:
        loader = PythonPluginLoader(timeout=0.3)
        path = self.put("hang.py", "import time\nPLUGIN_METADATA = {'id': 'h'}\ntime.sleep(1e6)\n")
        with self.assertLogs("qtforge", "ERROR") as logs:
            self.assertIsNone(loader.load_plugin(path))
        self.assertIn("PluginTimeout", logs.output[0])

    def test_ctrl_c_reaches_the_caller_and_a_plugins_own_does_not(self) -> None:
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
        pressed = self.put(
            "pressed.py",
            """
            import os, signal, time
            PLUGIN_METADATA = {"id": "pressed"}
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1e6)
            """,
        )
        with self.assertRaises(KeyboardInterrupt):
            self.loader.load_plugin(pressed)
        own = self.put("own.py", "PLUGIN_METADATA = {'id': 'own'}\nraise KeyboardInterrupt\n")
        with self.assertLogs("qtforge", "ERROR"):
            self.assertIsNone(self.loader.load_plugin(own))
        self.load()

    def test_what_a_plugin_leaves_behind_reaches_nobody(self) -> None:
        path = self.put(
            "messy.py",
            """
            import os, signal, sys
            PLUGIN_METADATA = {"id": "messy"}
            sys.path.insert(0, "/nowhere")
            sys.stdout = None
            os.environ["MESSY"] = "1"
            os.chdir("/")
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            def initialize(): pass
            """,
        )
        before = (list(sys.path), sys.stdout, os.getcwd(), signal.getsignal(signal.SIGUSR1))
        self.assertIsNotNone(self.loader.load_plugin(path))
        after = (list(sys.path), sys.stdout, os.getcwd(), signal.getsignal(signal.SIGUSR1))
        self.assertEqual(before, after)
        self.assertNotIn("MESSY", os.environ)

    def test_a_fork_is_refused_and_may_make_its_own(self) -> None:
        self.load()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            answer = b"nothing"
            try:
                try:
                    self.loader.reload_plugin("com.example.myplugin")
                except RuntimeError as error:
                    fresh = PythonPluginLoader(timeout=0.3)
                    own = fresh.load_plugin(self.path)
                    answer = f"{error}; {own is not None}".encode()
            finally:
                os.write(writing, answer)
                os._exit(0)
        os.close(writing)
        self.addCleanup(os.close, reading)
        os.waitpid(child, 0)
        self.assertRegex(os.read(reading, 1000).decode(), "another process.*True")

    def test_wrong_types_and_values(self) -> None:
        for call in [
            lambda: self.loader.load_plugin(3),  # type: ignore[arg-type]
            lambda: self.loader.load_plugin(b"x"),  # type: ignore[arg-type]
            lambda: self.loader.get_plugin(None),  # type: ignore[arg-type]
            lambda: self.loader.reload_plugin(1),  # type: ignore[arg-type]
            lambda: self.loader.unload_plugin([]),  # type: ignore[arg-type]
            lambda: PythonPluginLoader(timeout="x"),  # type: ignore[arg-type]
        ]:
            self.assertRaises(TypeError, call)
        for call in [
            lambda: PythonPluginLoader(timeout=0),
            lambda: PythonPluginLoader(timeout=float("nan")),
            lambda: PythonPluginLoader(shutdown_timeout=-1),
            lambda: PythonPluginLoader(mode="both"),
        ]:
            self.assertRaises(ValueError, call)


class Discovery(Case):
    def test_discovery_as_the_seed_shows_it(self) -> None:
        plugin = self.put("sub/my_plugin.py", PLUGIN)
        entry = self.put("folder/plugin.py", "def initialize(): pass\n")
        self.put("folder/plugin.json", '{"id": "org.folder"}')
        self.put("other.py", "raise SystemExit('it was run')\n")
        discovery = PythonPluginDiscovery()
        discovery.add_search_path(str(self.folder))
        discovery.add_search_path("/nonexistent/qtforge/plugins")
        plugins = discovery.discover_plugins()
        expected = {"com.example.myplugin": str(plugin), "org.folder": str(entry)}
        self.assertEqual(plugins, expected)
        self.assertRaises(TypeError, discovery.add_search_path, 3)
        loader = PythonPluginLoader()
        self.assertIsNotNone(loader.load_plugin(plugins["org.folder"]))


if __name__ == "__main__":
    unittest.main()
