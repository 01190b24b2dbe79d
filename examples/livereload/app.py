"""A page that every browser loads anew when its plugin was reloaded, by server-sent events.

The events of the supervisor go to the browser as they come; a few lines of script there do the rest. A
failure is shown over the page, which stays as it was.
"""

import json
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from qtforge.core import Events, Supervisor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

PLUGINS = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "plugins")

SCRIPT = """
<pre id="failure" style="color: red"></pre>
<script>
  const events = new EventSource("/events");
  events.addEventListener("reloaded", () => location.reload());
  events.addEventListener("failed", (message) => {
    const { id, phase, error } = JSON.parse(message.data);
    document.getElementById("failure").textContent =
      `${id} failed at ${phase}: ${error.message} (${error.file}:${error.line})`;
  });
</script>
"""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with Supervisor(PLUGINS, mode="overlap") as supervisor:
        app.state.supervisor = supervisor
        yield


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(request.app.state.supervisor.call("page", "render") + SCRIPT)


async def stream(events: Events, since: float) -> AsyncIterator[str]:
    # The first bytes tell the browser that it is connected.
    yield ": here\n\n"
    async for event in events:
        # They begin with the first one; what was before the page was loaded is in the page.
        if event["ts"] >= since:
            yield f"event: {event['event']}\ndata: {json.dumps(event)}\n\n"


async def events(request: Request) -> StreamingResponse:
    told = request.app.state.supervisor.events()
    return StreamingResponse(stream(told, time.time()), media_type="text/event-stream")


app = Starlette(routes=[Route("/", page), Route("/events", events)], lifespan=lifespan)


class Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Browsers keep their streams open, and the server waits for them; they end with the supervisor.
        supervisor = getattr(app.state, "supervisor", None)
        if supervisor is not None:
            threading.Thread(target=supervisor.stop).start()
        super().handle_exit(sig, frame)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    Server(uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=5)).run()
