"""``replug`` of the wheel, and ``PYTHON -m qtforge.host`` under the program."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import unittest
import venv

from support import DEADLINE, PROGRAM, Case, Program, replug

PLUGIN = """
import sys
from pathlib import Path

PLUGIN_METADATA = {"id": "it"}


def initialize(context):
    context.state["count"] = context.state.get("count", 0) + 1
    place = Path(__file__).with_name("told")
    place.write_text(f"{sys.executable} {context.state['count']}")
"""


class Command(Case):
    def test_it_reloads_in_a_child_of_its_own_interpreter(self) -> None:
        plugin = self.put("it.py", PLUGIN)
        with replug(self.folder) as program:
            self.assertEqual(program.wait("starting")["python"], platform.python_version())
            program.wait("ready")
            self.put("it.py", PLUGIN + "# edited\n")
            reloaded = program.wait("reloaded")
            self.assertEqual((reloaded["path"], reloaded["generation"]), (str(plugin), 2))
            told = self.folder.joinpath("told").read_text()
            self.assertEqual(told, f"{sys.executable} 2")
            self.assertEqual(program.stop(), 0)

    def test_plugins_run_in_its_own_process_if_told_to(self) -> None:
        self.put("it.py", PLUGIN + "    import os; place.write_text(str(os.getpid()))\n")
        with replug("--isolation", "none", self.folder) as program:
            program.wait("ready")
            told = self.folder.joinpath("told").read_text()
            self.assertEqual(told, str(program.process.pid))
            self.assertEqual(program.stop(), 0)

    def test_a_plugin_that_hangs_is_interrupted(self) -> None:
        self.put("it.py", "import time\nPLUGIN_METADATA = {'id': 'it'}\ntime.sleep(1e6)\n")
        with replug("--timeout", "0.3", self.folder) as program:
            self.assertEqual(program.wait("failed")["error"]["type"], "PluginTimeout")
            self.assertEqual(program.wait("ready")["plugins"], 0)
            self.assertEqual(program.stop(), 0)

    def test_what_kills_a_child_is_told_and_mended(self) -> None:
        self.put("it.py", PLUGIN)
        self.put("bad.py", "import os\nPLUGIN_METADATA = {'id': 'bad'}\n")
        with replug(self.folder) as program:
            program.wait("ready")
            self.put("bad.py", "import os\nPLUGIN_METADATA = {'id': 'bad'}\nos._exit(7)\n")
            failed = program.wait("failed")
            self.assertEqual((failed["id"], failed["phase"]), ("bad", "host"))
            self.assertIn("exit code 7", failed["error"]["message"])
            self.assertEqual(program.wait("reloaded")["because"], "host")
            self.assertEqual(program.stop(), 0)

    def test_it_checks_its_arguments(self) -> None:
        run = subprocess.run(
            [sys.executable, "-m", "qtforge", "--nonsense"], capture_output=True, text=True
        )
        self.assertEqual(run.returncode, 2)
        self.assertIn("--nonsense", run.stderr)

    def test_an_interpreter_without_the_wheel_is_refused(self) -> None:
        other = self.folder / "other"
        venv.create(other, with_pip=False, symlinks=True)
        python = other / "bin" / "python"
        self.put("it.py", PLUGIN)
        with replug("--python", python, self.folder) as program:
            _, stderr = program.process.communicate(timeout=DEADLINE)
            self.assertEqual(program.process.returncode, 2)
        self.assertIn(f"`{python} -m pip install .`", stderr)

    def test_no_libpython_is_linked(self) -> None:
        from qtforge import _core

        assert _core.__file__ is not None
        libraries = subprocess.run(["ldd", _core.__file__], capture_output=True, text=True).stdout
        self.assertIn("libc", libraries)
        self.assertNotIn("libpython", libraries)


@unittest.skipUnless(PROGRAM, "REPLUG_TEST_PROGRAM does not name the program")
class UnderTheProgram(Case):
    """The program with another interpreter inside."""

    def start(self, *arguments: object) -> Program:
        environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
        command = [PROGRAM, "--json", *map(str, arguments)]
        return Program(command, env=environment)

    def test_it_runs_plugins_with_this_interpreter(self) -> None:
        self.put("it.py", PLUGIN)
        with self.start("--python", sys.executable, self.folder) as program:
            self.assertEqual(program.wait("starting")["python"], platform.python_version())
            program.wait("ready")
            self.put("it.py", PLUGIN + "# edited\n")
            self.assertEqual(program.wait("reloaded")["generation"], 2)
            told = self.folder.joinpath("told").read_text()
            self.assertEqual(told, f"{sys.executable} 2")
            self.assertEqual(program.stop(), 0)

    def test_a_wheel_of_another_protocol_is_refused(self) -> None:
        fake = "__version__ = '0.0.1'\nPROTOCOL = 0\n"
        self.put("fake/qtforge/__init__.py", "")
        self.put("fake/qtforge/_core.py", fake)
        python = self.folder / "python"
        python.write_text(
            f"#!/bin/sh\nPYTHONPATH={self.folder / 'fake'} exec {sys.executable} -S \"$@\"\n"
        )
        python.chmod(0o755)
        if platform.python_version_tuple()[:2] == built_for():
            self.skipTest("the program has that version inside, so it does not ask for the wheel")
        with self.start("--python", python, self.folder) as program:
            _, stderr = program.process.communicate(timeout=DEADLINE)
        self.assertEqual(program.process.returncode, 2, stderr)
        self.assertIn("replug 0.0.1, which speaks protocol 0", stderr)
        self.assertIn(f"`{python} -m pip install .`", stderr)


def built_for() -> tuple[str, ...]:
    """The version of the interpreter that the program has inside, as it says itself."""
    run = subprocess.run(
        [PROGRAM, "--once", "--json", "--isolation", "none", "/nonexistent"],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"},
    )
    version: str = json.loads(run.stdout.splitlines()[0])["python"]
    return tuple(version.split(".")[:2])


if __name__ == "__main__":
    unittest.main()
