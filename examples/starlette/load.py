"""Reloads a page again and again while the application is under load, and counts what fails.

    python load.py [--reloads 500] [--own]

The load is that of ``wrk`` if it is there, or, with ``--own``, of sixteen connections in this process.
The exit code is 1 if a request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = 16


class Load:
    """Requests over connections that stay open, until somebody says stop."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests = 0
        self.failures: list[str] = []
        self._stop = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        self._stop = True
        self._thread.join()
        for failure in self.failures[:3]:
            print(failure)
        return self.requests, len(self.failures)

    async def _run(self) -> None:
        await asyncio.gather(*(self._connection() for _ in range(CONNECTIONS)))

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while not self._stop:
            try:
                writer.write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (OSError, EOFError, IndexError) as error:
                self.failures.append(f"the connection failed: {error!r}")
                return
            self.requests += 1
            if not head.startswith(b"HTTP/1.1 200 "):
                self.failures.append(head.splitlines()[0].decode())
        writer.close()


class Wrk:
    """The same by wrk, which sums up when it is interrupted."""

    def __init__(self, port: int) -> None:
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d3600s", f"http://127.0.0.1:{port}/hello"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def stop(self) -> tuple[int, int]:
        self.process.send_signal(signal.SIGINT)
        told = self.process.communicate()[0]
        print(told)
        failed = 0
        for line in told.splitlines():
            words = line.replace(",", "").split()
            if "Socket errors:" in line or "Non-2xx" in line:
                failed += sum(int(word) for word in words if word.isdigit())
        requests = next(int(line.split()[0]) for line in told.splitlines() if "requests in" in line)
        return requests, failed


def events(application: "subprocess.Popen[str]") -> Iterator[dict[str, object]]:
    assert application.stdout is not None
    for line in application.stdout:
        yield json.loads(line)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(port: int) -> str:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/hello") as answer:
                return str(answer.read().decode())
        except ConnectionError:
            time.sleep(0.05)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError):
                raise
            time.sleep(0.05)
    raise SystemExit("the application does not answer")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--reloads", type=int, default=500)
    parser.add_argument("--own", action="store_true", help="do without wrk")
    options = parser.parse_args()
    own = options.own or shutil.which("wrk") is None
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(HERE / "plugins", folder, dirs_exist_ok=True)
        hello = Path(folder) / "hello.py"
        text = hello.read_text()
        port = free_port()
        application = subprocess.Popen(
            [sys.executable, str(HERE / "app.py"), str(port), folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            told = events(application)
            next(event for event in told if event["event"] == "ready")
            ask(port)
            load: Load | Wrk = Load(port) if own else Wrk(port)
            began = time.monotonic()
            saves = []
            for number in range(1, options.reloads + 1):
                new = hello.with_name(".hello.new")
                new.write_text(text.replace("NUMBER = 0", f"NUMBER = {number}"))
                saved = time.time()
                new.replace(hello)
                reloaded = next(event for event in told if event["event"] in ("reloaded", "failed"))
                if reloaded["event"] == "failed":
                    print(reloaded)
                    return 1
                saves.append(float(str(reloaded["ts"])) - saved)
            took = time.monotonic() - began
            last = ask(port)
            requests, failed = load.stop()
        finally:
            application.send_signal(signal.SIGINT)
            application.wait()
    assert f"number {options.reloads}\n" in last, last
    saves.sort()
    print(
        f"{options.reloads} reloads in {took:.1f} s, from save to live {saves[len(saves) // 2] * 1000:.1f} ms "
        f"in the middle and {saves[-1] * 1000:.1f} ms at most; {requests} requests, {failed} failed"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
