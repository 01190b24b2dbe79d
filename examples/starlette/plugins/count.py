"""The page /count: what it counts goes from each generation to the next."""

import itertools

from qtforge.core import PluginContext, PluginInterface, PluginMetadata
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

PLUGIN_METADATA = {"id": "pages.count", "version": "1.0.0"}


class Count(PluginInterface):
    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context: PluginContext) -> None:
        # Two generations are alive for a moment, and both count with this one.
        self.requests: "itertools.count[int]" = context.state.setdefault("requests", itertools.count(1))

    async def respond(self, request: Request) -> Response:
        return PlainTextResponse(f"request {next(self.requests)}\n")

    def shutdown(self) -> None:
        pass
