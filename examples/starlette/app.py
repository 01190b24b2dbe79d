"""A Starlette application whose pages are plugins: ``/hello`` is the plugin ``pages.hello``.

Save a file in ``plugins/`` and the next request has it. Requests under way end in the code that they
began in, and no request waits: with ``overlap`` the old generation answers until the new one is live.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from qtforge.core import PluginNotLoadedError, Supervisor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PLUGINS = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "plugins")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    supervisor = Supervisor(PLUGINS, mode="overlap")
    supervisor.on("*", lambda event: print(json.dumps(event), flush=True))
    async with supervisor:
        app.state.supervisor = supervisor
        yield


async def page(request: Request) -> Response:
    supervisor: Supervisor = request.app.state.supervisor
    plugin = f"pages.{request.path_params['name']}"
    try:
        response: Response = await supervisor.call(plugin, "respond", request)
    except PluginNotLoadedError:
        return PlainTextResponse("there is no such page\n", status_code=404)
    return response


app = Starlette(routes=[Route("/{name}", page)], lifespan=lifespan)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    uvicorn.run(app, port=port, log_level="warning", timeout_graceful_shutdown=1)
