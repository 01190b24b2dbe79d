"""The applications in examples/ run by the commands that they document."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from typing import Any

from support import DEADLINE, PROJECT, Case

EXAMPLES = PROJECT / "examples"


class Starlette(Case):
    def test_no_request_fails_while_a_page_is_reloaded(self) -> None:
        run = subprocess.run(
            [sys.executable, str(EXAMPLES / "starlette" / "load.py"), "--reloads", "20", "--own"],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.assertRegex(run.stdout, r"20 reloads .* [1-9]\d* requests, 0 failed")


class Livereload(Case):
    def test_a_save_is_an_event_in_the_browser(self) -> None:
        shutil.copytree(EXAMPLES / "livereload" / "plugins", self.folder, dirs_exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, str(EXAMPLES / "livereload" / "app.py"), str(port), str(self.folder)]
        application = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        # Only a fault reaches it; whoever waits then learns of the end.
        deadline = threading.Timer(DEADLINE, application.kill)
        deadline.start()
        try:
            self.assertIn("<h1>Edit", self.ask(f"http://127.0.0.1:{port}/"))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/events") as stream:
                self.assertEqual(stream.readline(), b": here\n")
                page = self.folder / "page.py"
                text = page.read_text()
                self.put("page.py", text.replace("Edit", "Now edit"))
                self.assertEqual(self.next(stream, "reloaded")["id"], "page")
                self.assertIn("<h1>Now edit", self.ask(f"http://127.0.0.1:{port}/"))
                self.put("page.py", text + "def")
                failed = self.next(stream, "failed")
                self.assertEqual((failed["phase"], failed["kept"]), ("parse", True))
                self.assertIn("<h1>Now edit", self.ask(f"http://127.0.0.1:{port}/"))
                application.terminate()
                self.assertEqual(self.next(stream, "stopped")["exit"], 0)
            self.assertEqual(application.communicate()[1], "")
        finally:
            deadline.cancel()
            if application.poll() is None:
                application.kill()
                application.communicate()

    def ask(self, url: str) -> str:
        """Asks until somebody listens there; only that has to be waited for."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with urllib.request.urlopen(url) as answer:
                    return str(answer.read().decode())
            except (ConnectionError, urllib.error.URLError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def next(self, stream: Any, name: str) -> dict[str, Any]:
        for line in stream:
            if line == f"event: {name}\n".encode():
                event: dict[str, Any] = json.loads(stream.readline().removeprefix(b"data: "))
                return event
        raise AssertionError(f"the stream ended before {name}")


if __name__ == "__main__":
    unittest.main()
