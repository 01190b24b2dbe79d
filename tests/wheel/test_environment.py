"""``PythonPluginEnvironment``."""

from __future__ import annotations

import json
import signal
import sys
import threading
import traceback
import unittest

from qtforge.core import PluginInterface, PluginTimeoutError, PythonPluginEnvironment


class Environment(unittest.TestCase):
    def setUp(self) -> None:
        self.environment = PythonPluginEnvironment()
        self.addCleanup(self.environment.cleanup_environment, "it")

    def run_code(self, code: str) -> object:
        return self.environment.execute_in_environment("it", code)

    def test_it_has_the_dict_of_the_seed(self) -> None:
        made = self.environment.create_isolated_environment("it")
        self.assertEqual(made["plugin_id"], "it")
        self.assertEqual(set(made), {"plugin_id", "globals", "locals", "imports", "resources"})
        self.assertEqual((made["imports"], made["resources"]), (set(), {}))

    def test_the_value_of_a_trailing_expression(self) -> None:
        self.assertEqual(self.run_code("x = 20\nx * 2 + 2"), 42)
        self.assertIsNone(self.run_code("y = x"))
        self.assertEqual(self.run_code("y"), 20)

    def test_functions_see_each_other_and_nobody_elses(self) -> None:
        self.run_code("def one(): return two()\ndef two(): return 2")
        self.assertEqual(self.run_code("one()"), 2)
        with self.assertRaises(NameError):
            self.environment.execute_in_environment("other", "one()")

    def test_builtins_are_its_own(self) -> None:
        self.run_code("__builtins__['len'] = None")
        self.assertEqual(len("abc"), 3)

    def test_imports_are_recorded_and_qtforge_is_there(self) -> None:
        made = self.environment.create_isolated_environment("it")
        self.assertEqual(self.run_code("import json, os.path\njson.dumps([1])"), json.dumps([1]))
        self.assertEqual(made["imports"], {"json", "os.path"})
        self.assertIs(self.run_code("qtforge.PluginInterface"), PluginInterface)

    def test_an_exception_comes_as_it_is_with_the_lines_of_the_code(self) -> None:
        try:
            self.run_code("a = 1\nb = a / 0  # here")
        except ZeroDivisionError:
            text = traceback.format_exc()
        self.assertIn("b = a / 0  # here", text)
        with self.assertRaises(SystemExit):
            self.run_code("raise SystemExit(3)")
        with self.assertRaises(SyntaxError):
            self.run_code("def")

    def test_resources_are_cleaned_up_in_reverse_order(self) -> None:
        made = self.environment.create_isolated_environment("it")
        self.run_code(
            "class R:\n"
            "    def __init__(self, name): self.name = name\n"
            "    def cleanup(self):\n"
            "        order.append(self.name)\n"
            "        if self.name == 'b': raise ValueError('no')\n"
            "order = []\n"
            "for name in 'abc': resources[name] = R(name)\n"
            "resources['plain'] = 3"
        )
        order = made["globals"]["order"]
        with self.assertLogs("qtforge", "ERROR") as logs:
            self.environment.cleanup_environment("it")
        self.assertEqual(order, ["c", "b", "a"])
        self.assertIn("'b'", logs.output[0])
        self.environment.cleanup_environment("it")

    def test_a_deadline_ends_what_hangs_and_shows_where(self) -> None:
        hangs = [
            "while True: pass",
            "import time\ntime.sleep(1e6)",
            "import threading\nthreading.Lock().acquire()\nthreading.Event().wait()",
            "while True:\n    try:\n        x = str(1)\n    except Exception:\n        pass",
            "while True:\n    try:\n        x = str(1)\n    except BaseException:\n        pass",
            "def f():\n    try:\n        while True: pass\n    finally:\n        while True: pass\nf()",
        ]
        for code in hangs:
            with self.subTest(code):
                try:
                    self.environment.execute_in_environment("it", code, timeout=0.05)
                except PluginTimeoutError as error:
                    text = traceback.format_exc()
                    self.assertEqual(error.plugin_id, "it")
                else:
                    self.fail("it came back")
                self.assertIn("did not come back within 0.05 s", text)
                self.assertRegex(text, r'File "<it \d+>", line \d+, in \w*.*\n +\w')
                self.assertIsNone(sys.gettrace())
        self.assertEqual(self.run_code("1 + 1"), 2)

    def test_a_deadline_ends_python_on_another_thread(self) -> None:
        told: list[BaseException] = []

        def run() -> None:
            try:
                self.environment.execute_in_environment("it", "while True: pass", timeout=0.05)
            except PluginTimeoutError as error:
                told.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        self.assertEqual(len(told), 1)

    def test_a_deadline_that_is_not_reached_changes_nothing(self) -> None:
        run = self.environment.execute_in_environment
        before = [signal.getsignal(number) for number in signal.valid_signals()]
        self.assertEqual(run("it", "6 * 7", timeout=60), 42)
        self.assertRaises(ZeroDivisionError, run, "it", "1 / 0", timeout=60)
        self.assertEqual([signal.getsignal(n) for n in signal.valid_signals()], before)
        for late in range(200):
            # The end of the code and its deadline meet.
            try:
                run("it", "for _ in range(300): pass", timeout=0.0001)
            except PluginTimeoutError:
                pass
            self.assertIsNone(sys.gettrace())
        self.assertEqual([signal.getsignal(n) for n in signal.valid_signals()], before)
        for wrong in ["1", True, [1]]:
            self.assertRaises(TypeError, run, "it", "1", timeout=wrong)
        for wrong in [0, -1, float("nan"), float("inf")]:
            self.assertRaises(ValueError, run, "it", "1", timeout=wrong)

    def test_wrong_types(self) -> None:
        for call in [
            lambda: self.environment.create_isolated_environment(1),  # type: ignore[arg-type]
            lambda: self.environment.execute_in_environment("it", b"1"),  # type: ignore[arg-type]
            lambda: self.environment.cleanup_environment(None),  # type: ignore[arg-type]
        ]:
            self.assertRaises(TypeError, call)

    def test_the_module_list_stays_as_it_is(self) -> None:
        before = set(sys.modules)
        self.run_code("1")
        self.assertEqual(set(sys.modules), before)


if __name__ == "__main__":
    unittest.main()
