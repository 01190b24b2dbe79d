"""What the tests of the wheel share: a folder with plugins, and the program as a child process.

The tests run with the interpreter that the wheel is installed in. Nothing here sleeps: whoever waits,
waits for an event, with a deadline that only a fault reaches.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest
from pathlib import Path
from typing import Any

DEADLINE = 60
PROJECT = Path(__file__).resolve().parents[2]

#: The program with an interpreter inside, as `cargo` built it.
PROGRAM = os.environ.get("REPLUG_TEST_PROGRAM", "")


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="replug-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def put(self, name: str, text: str) -> Path:
        """Writes a file as an editor does: whole, under another name, then renamed."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        beside.replace(path)
        return path


class Program:
    """``replug --json`` as a child process; ends with the ``with`` block."""

    def __init__(self, command: list[str], **options: Any) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        # Only a fault reaches it; whoever waits then learns of the end.
        self.deadline = threading.Timer(DEADLINE, self.process.kill)
        self.deadline.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.deadline.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait(self, event: str) -> dict[str, Any]:
        """Gives the next event of that kind."""
        assert self.process.stdout is not None
        passed = []
        for line in self.process.stdout:
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event:
                return found
            passed.append(line)
        told = "".join(passed) + self.process.communicate()[1]
        raise AssertionError(f"ended before {event}:\n{told}")

    def stop(self) -> int:
        """Asks it to stop; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=DEADLINE)
        return self.process.returncode


def replug(*arguments: object, **options: Any) -> Program:
    """The command of the wheel."""
    command = Path(sys.executable).with_name("replug")
    return Program([str(command), "--json", *map(str, arguments)], **options)
