"""The page /hello."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

PLUGIN_METADATA = {"id": "pages.hello", "version": "1.0.0"}
NUMBER = 0


async def respond(request: Request) -> Response:
    who = request.query_params.get("who", "world")
    return PlainTextResponse(f"hello {who}, this is number {NUMBER}\n")


def initialize() -> None:
    """There is nothing to make ready."""
