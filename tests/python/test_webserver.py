"""The sample web server answers every request while it is reloaded. Loopback, free ports only."""

from __future__ import annotations

import http.client
import socket
import threading
import unittest

from qtforge.core import PluginException
from samples import Generation

HOST = "127.0.0.1"
RELOADS = 200
CLIENTS = 4


def ask(port: int, method: str = "GET", path: str = "/") -> tuple[int, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def overlap(old: Generation) -> Generation:
    """A reload as replug does it for this plugin: first the new one starts, then the old ends."""
    new = Generation("webserver", old.context.state, port=0).start()
    failures = old.end()
    assert failures == [], failures
    return new


class WebServer(unittest.TestCase):
    def start(self) -> Generation:
        return Generation("webserver", port=0).start()

    def test_it_serves_and_says_where_once(self) -> None:
        old = self.start()
        port = old.plugin.port()
        self.assertEqual(old.printed, f"webserver: http://{HOST}:{port}/\n")
        self.assertEqual(ask(port, "HEAD"), (200, ""))
        self.assertEqual(ask(port, "PUT")[0], 501)
        status, page = ask(port, path="/<b>")
        self.assertEqual((status, "&lt;b&gt;" in page, "generation 1" in page), (200, True, True))
        new = overlap(old)
        self.assertEqual((new.printed, new.plugin.port()), ("", port))
        self.assertIn("generation 2", ask(port)[1])
        new.end()

    def test_no_request_fails_during_two_hundred_reloads(self) -> None:
        server = self.start()
        port = server.plugin.port()
        done = threading.Event()
        answered = [0] * CLIENTS
        failures: list[str] = []
        # Each reload begins once another request has been answered, so that the clients are in
        # the middle of things at every one of them.
        progress = threading.Semaphore(0)

        def client(number: int) -> None:
            while not done.is_set():
                try:
                    status, page = ask(port)
                    if status != 200 or "answered" not in page:
                        failures.append(f"{status} {page!r}")
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
                answered[number] += 1
                progress.release()

        clients = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
        for thread in clients:
            thread.start()
        try:
            for _ in range(RELOADS):
                progress.acquire()
                server = overlap(server)
        finally:
            done.set()
            for thread in clients:
                thread.join()
        self.assertEqual(failures, [])
        self.assertGreaterEqual(sum(answered), RELOADS)
        self.assertIn(f"generation {RELOADS + 1} ", ask(port)[1])
        self.assertEqual(server.context.state["listener"]["users"], 1)
        server.end()

    def test_a_request_under_way_is_finished_by_the_generation_that_began_it(self) -> None:
        old = self.start()
        begun, go = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        render = old.module.pages.render

        def slow(path: str, generation: int) -> str:
            begun.set()
            go.wait()
            return str(render(path, generation))

        old.module.pages.render = slow
        answers: list[tuple[int, str]] = []
        client = threading.Thread(target=lambda: answers.append(ask(old.plugin.port())))
        client.start()
        begun.wait()
        new = Generation("webserver", old.context.state, port=0).start()
        ending = threading.Thread(target=old.end)
        ending.start()
        # The new generation answers although the old one is not done.
        self.assertIn("generation 2", ask(new.plugin.port())[1])
        go.set()
        client.join()
        ending.join()
        self.assertEqual(answers[0][0], 200)
        self.assertIn("generation 1", answers[0][1])
        new.end()

    @unittest.skipUnless(hasattr(socket, "TCP_DEFER_ACCEPT"), "needs a system that can defer")
    def test_a_connection_that_waits_in_the_queue_goes_to_the_new_generation(self) -> None:
        old = self.start()
        with socket.create_connection((HOST, old.plugin.port()), timeout=60) as early:
            new = overlap(old)
            early.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: early.recv(4096), b""))
        self.assertIn(b"generation 2", answer)
        new.end()

    def test_a_new_generation_that_fails_leaves_the_old_one_serving(self) -> None:
        old = self.start()
        failed = Generation("webserver", old.context.state, port=0).start()
        self.assertEqual(failed.context._dispose(), [])  # Its shutdown is not called.
        self.assertFalse(failed.plugin._acceptor._thread.is_alive())
        self.assertEqual(old.context.state["listener"]["users"], 1)
        self.assertIn("generation 1", ask(old.plugin.port())[1])
        old.end()

    def test_the_last_one_closes_the_socket_and_the_address_stays(self) -> None:
        old = self.start()
        port = old.plugin.port()
        old.end()
        self.assertRaises(ConnectionRefusedError, ask, port)
        # As after a failed edit, or a reload that is not an overlap.
        old.start()
        self.assertEqual(old.plugin.port(), port)
        self.assertEqual(ask(port)[0], 200)
        old.end()

    def test_an_edited_port_is_a_new_socket(self) -> None:
        old = self.start()
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            free = probe.getsockname()[1]
        new = Generation("webserver", old.context.state, port=free).start()
        old.end()
        self.assertEqual(new.plugin.port(), free)
        self.assertEqual(ask(free)[0], 200)
        self.assertRaises(ConnectionRefusedError, ask, old.plugin.port())
        new.end()

    def test_a_port_that_is_taken_is_named(self) -> None:
        one = self.start()
        two = Generation("webserver", port=one.plugin.port())
        with self.assertRaisesRegex(PluginException, f"port {one.plugin.port()} is taken"):
            two.start()
        self.assertEqual(two.context._dispose(), [])
        one.end()

    def test_a_page_that_fails_is_a_500_and_the_server_goes_on(self) -> None:
        server = self.start()
        render = server.module.pages.render
        server.module.pages.render = lambda path, generation: 1 / 0
        with self.assertLogs(server.context.logger, "ERROR"):
            self.assertEqual(ask(server.plugin.port())[0], 500)
        server.module.pages.render = render
        self.assertEqual(ask(server.plugin.port())[0], 200)
        server.end()


if __name__ == "__main__":
    unittest.main()
