"""``replug bridge`` and ``python -m qtforge.bridge``: the conversations of tests/bridge, and the script that
QtForge starts."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import unittest
from pathlib import Path
from typing import Any

from support import DEADLINE, PROJECT, Case

CASES = PROJECT / "tests" / "bridge"
SCRIPT = PROJECT / "examples" / "qtforge" / "python_bridge.py"

COMMAND = [str(Path(sys.executable).with_name("replug")), "bridge"]
MODULE = [sys.executable, "-m", "qtforge.bridge"]


class Bridge:
    """A bridge as a host program starts it; ends with the ``with`` block."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        # Only a fault reaches it; whoever waits then learns of the end.
        self.deadline = threading.Timer(DEADLINE, self.process.kill)
        self.deadline.start()
        self.stderr = b""
        self.drain = threading.Thread(target=self._drain)
        self.drain.start()

    def _drain(self) -> None:
        assert self.process.stderr is not None
        self.stderr = self.process.stderr.read()

    def __enter__(self) -> Bridge:
        return self

    def __exit__(self, *_: object) -> None:
        self.deadline.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.drain.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            self.drain.join()
            raise AssertionError(f"{line!r}\n{self.stderr.decode()}")
        return json.loads(line)

    def ask(self, **request: Any) -> Any:
        self.send(json.dumps(request))
        return self.read()

    def end(self) -> int:
        """Ends what it reads from; the exit code."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        left = self.process.stdout.read()
        assert left == b"", left
        self.drain.join()
        return self.process.wait()


def fits(expected: Any, found: Any) -> bool:
    """Whether ``found`` is what a case expects; see tests/bridge/README."""
    if isinstance(expected, str) and isinstance(found, str) and expected.startswith("~"):
        return expected[1:] in found
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(fits, expected, found))
    if isinstance(expected, dict) and isinstance(found, dict):
        if "=" in expected:
            return len(expected["="]) == len(found) and fits(expected["="], found)
        return all(key in found and fits(value, found[key]) for key, value in expected.items())
    return type(expected) is type(found) and bool(expected == found)


class Conversations(Case):
    def converse(self, command: list[str], case: Path) -> None:
        folder = self.folder / str(len(list(self.folder.iterdir())))
        shutil.copytree(CASES / "plugins", folder)
        last = ""
        with Bridge(command, folder) as bridge:
            for number, line in enumerate(case.read_text(encoding="utf-8").splitlines(), 1):
                if line.startswith(">"):
                    last = line[1:].removeprefix(" ")
                    bridge.send(last)
                elif line.startswith("<"):
                    found = bridge.read()
                    told = f"{case.name}:{number}\n> {last}\n< {json.dumps(found)}\n= {line[2:]}"
                    self.assertTrue(fits(json.loads(line[1:]), found), told)
                else:
                    self.assertTrue(line.startswith("#"), line)
            self.assertEqual(bridge.end(), 0)

    def test_each_is_held_by_both_doors(self) -> None:
        cases = sorted(CASES.glob("*.case"))
        self.assertGreaterEqual(len(cases), 5)
        for case in cases:
            for command in COMMAND, MODULE:
                with self.subTest(case=case.name, command=command[-1]):
                    self.converse(command, case)


class Script(Case):
    def test_it_serves_from_another_folder_and_shadows_nothing(self) -> None:
        application = self.folder / "application"
        application.mkdir()
        script = shutil.copy(SCRIPT, application)
        # Beside the script, and where it is started, lies what nobody means to import.
        for folder in application, self.folder:
            folder.joinpath("json.py").write_text("raise SystemExit('shadowed')\n")
        plugin = self.put("plugins/it.py", "class It:\n    def get(self): return 1\n")
        with Bridge([sys.executable, "-u", str(script)], self.folder) as bridge:
            self.assertEqual(bridge.read(), {"ready": True})
            loaded = bridge.ask(
                type="load_plugin", id=2, plugin_path=str(plugin), plugin_class="It"
            )
            self.assertEqual((loaded["id"], loaded["plugin_id"]), (2, "it"))
            called = bridge.ask(type="call_method", id=4, plugin_id="it", method_name="get")
            self.assertEqual(called, {"id": 4, "success": True, "result": 1})
            self.assertEqual(bridge.ask(type="shutdown", id=6), {"id": 6, "success": True})
            self.assertEqual(bridge.process.wait(), 0)

    def test_it_runs_the_interpreter_that_started_it(self) -> None:
        with Bridge([sys.executable, "-u", str(SCRIPT)], self.folder) as bridge:
            bridge.read()
            code = "import os, sys; [sys.executable, os.getpid()]"
            told = bridge.ask(type="execute_code", id=2, code=code)
            self.assertEqual(told["result"], [sys.executable, bridge.process.pid])
            self.assertEqual(bridge.end(), 0)

    def test_a_hang_is_a_failure_at_its_deadline(self) -> None:
        with Bridge([*MODULE, "--timeout", "0.3"], self.folder) as bridge:
            bridge.read()
            code = "import time\nwhile True:\n    try: time.sleep(1e6)\n    except BaseException: pass"
            told = bridge.ask(type="execute_code", id=2, code=code)
            self.assertIn("PluginTimeout", told["error"])
            self.assertEqual(bridge.ask(type="initialize", id=4)["success"], True)
            self.assertEqual(bridge.end(), 0)

    def test_a_signal_stops_it(self) -> None:
        for number in signal.SIGTERM, signal.SIGINT:
            with self.subTest(number), Bridge(MODULE, self.folder) as bridge:
                bridge.read()
                bridge.process.send_signal(number)
                self.assertEqual(bridge.process.wait(), 0)


if __name__ == "__main__":
    unittest.main()
