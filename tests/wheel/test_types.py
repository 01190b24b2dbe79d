"""The types: the package and the samples pass mypy in strict mode, the stubs agree with the module."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

import qtforge
from support import PROJECT

MYPY = os.environ.get("REPLUG_TEST_MYPY", "")


@unittest.skipUnless(MYPY, "REPLUG_TEST_MYPY does not name mypy")
class Types(unittest.TestCase):
    def check(self, *command: str) -> None:
        run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_the_package_is_strict(self) -> None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        self.check(MYPY, "--cache-dir=/dev/null", "--strict", "--python-version", version, "python/qtforge")

    def test_these_tests_are_strict(self) -> None:
        self.check(MYPY, "--cache-dir=/dev/null", "--strict", "--python-executable", sys.executable, "tests/wheel")

    def test_the_examples_are_strict(self) -> None:
        for example in ["starlette", "livereload"]:
            files = sorted(PROJECT.joinpath("examples", example).rglob("*.py"))
            command = [MYPY, "--cache-dir=/dev/null", "--strict", "--python-executable", sys.executable]
            self.check(*command, *map(str, files))

    def test_the_stubs_are_what_the_module_has(self) -> None:
        stubtest = str(Path(MYPY).with_name("stubtest"))
        # It imports the module, so it has to run where that is installed.
        run = subprocess.run(
            [stubtest, "--concise", "qtforge._core"],
            cwd="/",
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(qtforge.__file__).parents[1])},
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
