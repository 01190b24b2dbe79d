"""The types: the package and the samples pass mypy in strict mode, the stubs agree with the module."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest

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


if __name__ == "__main__":
    unittest.main()
