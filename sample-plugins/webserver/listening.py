"""The listening socket, which outlives the generation that opened it.

It stands in `context.state` as a plain dict of plain things, because an object of a class of ours
would keep the old code alive. `users` counts the generations that hold it; the last one to let go
closes it: the plugin is unloaded, or the program ends.
"""

import errno
import os
import socket
from typing import Any

from qtforge.core import PluginException

HOST = "127.0.0.1"


def take_over(state: dict[str, Any], wanted: int) -> dict[str, Any]:
    """The socket of the generation before; a new one if it is closed or the port was edited."""
    port = wanted
    before: dict[str, Any] | None = state.get("listener")
    if before is not None and before["wanted"] == wanted:
        if before["socket"].fileno() != -1:
            return before
        port = before["port"]  # The same free port again, so that the address stays.
    opened = open_socket(port)
    port = opened.getsockname()[1]
    print(f"webserver: http://{HOST}:{port}/")
    listener = {"socket": opened, "port": port, "wanted": wanted, "users": 0}
    state["listener"] = listener
    return listener


def let_go(listener: dict[str, Any]) -> None:
    """One user less; the last one closes the socket."""
    listener["users"] -= 1
    if listener["users"] == 0:
        listener["socket"].close()


def open_socket(port: int) -> socket.socket:
    """A listening socket; accept() on it never waits."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # Elsewhere it would let two programs share a port.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            # A connection that has said nothing yet (browsers open them in advance) stays in the
            # queue, where the next generation finds it.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
        opened.bind((HOST, port))
        opened.listen(128)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise PluginException(
            f"port {port} is taken by another program; set `port` in plugin.json to another one, "
            "or to 0 for any that is free"
        ) from error
    return opened
