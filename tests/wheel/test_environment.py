"""``PythonPluginEnvironment``."""

from __future__ import annotations

import json
import sys
import traceback
import unittest

from qtforge.core import PluginInterface, PythonPluginEnvironment


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
