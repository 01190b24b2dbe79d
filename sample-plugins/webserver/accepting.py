"""Takes connections from a listening socket that other generations may use at the same time."""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

GRACE = 2.0  # seconds that stop() waits for answers under way; less than the host's deadline
CLIENT_TIMEOUT = 10.0  # seconds that a client may take over its request


class Acceptor:
    """One thread that accepts, and one for each connection. `render` makes a page for a path."""

    def __init__(
        self, listener: socket.socket, render: Callable[[str], str], logger: logging.Logger
    ) -> None:
        self._listener = listener
        self._render = render
        self._logger = logger
        self._bell, self._rope = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="webserver", daemon=True)
        self._workers: list[threading.Thread] = []
        self._stopped = False

    def start(self) -> None:
        """Begins to accept."""
        self._thread.start()

    def stop(self) -> bool:
        """Accepts no more and waits for the answers under way; False if it was called before.

        Whatever is not finished after `GRACE` is still answered, in its own daemon thread.
        """
        if self._stopped:
            return False
        self._stopped = True
        self._rope.send(b"!")
        self._thread.join()
        deadline = time.monotonic() + GRACE
        for worker in self._workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        self._bell.close()
        self._rope.close()
        return True

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                selector.select()
                # Looked at before accepting: what is accepted is also answered.
                if self._stopped:
                    return
                self._accept()

    def _accept(self) -> None:
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # The other generation was faster, or the client has gone.
        except OSError as error:
            self._logger.warning("cannot accept a connection: %s", error)
            time.sleep(0.1)  # Too many open files, most likely; it would fail again at once.
            return
        worker = threading.Thread(target=self._answer, args=(connection, address), daemon=True)
        worker.start()
        # Only this thread touches the list, and stop() once this thread has ended.
        self._workers = [w for w in self._workers if w.is_alive()] + [worker]

    def _answer(self, connection: socket.socket, address: tuple[str, int]) -> None:
        with connection, contextlib.suppress(OSError):  # A client that has gone is no fault.
            connection.settimeout(CLIENT_TIMEOUT)
            Request(connection, address, self._render, self._logger)
            # Says that the answer is complete, before close() gives the socket up.
            connection.shutdown(socket.SHUT_WR)


class Request(BaseHTTPRequestHandler):
    """One request. HTTP/1.0, so that a connection never outlives its one answer."""

    def __init__(
        self,
        connection: socket.socket,
        address: tuple[str, int],
        render: Callable[[str], str],
        logger: logging.Logger,
    ) -> None:
        self._render = render
        self._logger = logger
        # The base class answers right here. It has no use for a server object.
        super().__init__(connection, address, None)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answers with a page, or with 500 if it could not be made."""
        try:
            body = self._render(self.path).encode()
        except Exception:
            self._logger.exception("cannot render %s", self.path)
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the terminal quiet."""
        self._logger.debug(format, *args)
