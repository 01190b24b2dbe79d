"""The programs that README shows run as they stand, in a folder with the plugins that it shows."""

from __future__ import annotations

import re
import subprocess
import sys
import unittest

from support import DEADLINE, PROJECT, Case


class Readme(Case):
    def test_its_programs_run(self) -> None:
        text = PROJECT.joinpath("README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"```(\w+) (\S+)\n(.*?)```", text, re.DOTALL)
        for _, info, body in blocks:
            if info.startswith("file="):
                self.put(info.removeprefix("file="), body)
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        self.assertIn("2 passed", run.stdout, run.stdout + run.stderr)
        programs = [body for _, info, body in blocks if info == "host"]
        self.assertEqual(len(programs), 3)
        for program in programs:
            run = subprocess.run(
                [sys.executable, "-c", program],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=DEADLINE,
            )
            self.assertEqual((run.returncode, run.stderr), (0, ""), program)


if __name__ == "__main__":
    unittest.main()
