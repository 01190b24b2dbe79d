"""A web server for development that drops no request while it is reloaded.

Try: open the page, edit `pages.py`, save, open it again.

`"reload": "overlap"` in `plugin.json` starts the new generation beside the old one. The listening
socket goes on from one to the next in `context.state` (see `listening.py`), so connections wait in
one queue all the time: the old generation stops taking them and answers those that it has, and the
new one takes the rest.
"""

import accepting
import listening
import pages
from qtforge.core import PluginContext, PluginInterface, PluginMetadata


class WebServer(PluginInterface):
    """Serves `pages.render` on the `port` of its configuration; 0 is any free port."""

    def get_metadata(self) -> PluginMetadata:
        return PluginMetadata("com.example.webserver")

    def initialize(self, context: PluginContext) -> bool:
        port = int(context.get_configuration_manager().get_plugin_config().get("port", 8765))
        generation = context.state["generation"] = context.state.get("generation", 0) + 1
        self._listener = listening.take_over(context.state, port)
        self._acceptor = accepting.Acceptor(
            self._listener["socket"], lambda path: pages.render(path, generation), context.logger
        )
        self._listener["users"] += 1
        # Not only in shutdown, which is not called if this start fails after all.
        context.on_cleanup(self._let_go)
        self._acceptor.start()
        super().initialize(context)
        return True

    def shutdown(self) -> bool:
        self._let_go()
        super().shutdown()
        return True

    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener["port"])

    def _let_go(self) -> None:
        if self._acceptor.stop():
            listening.let_go(self._listener)
