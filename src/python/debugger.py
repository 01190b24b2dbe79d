"""Gives pdb the terminal while it waits for a person, and only then.

`terminal.lend(run)` calls `run` with the terminal as standard streams, or raises if there is none.
"""

import sys
from importlib.machinery import PathFinder


class Loader:
    """Loads pdb as its own loader would, and adapts it."""

    def __init__(self, loader, terminal):
        self._loader = loader
        self._terminal = terminal

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        adapt(module, self._terminal)

    def __getattr__(self, name):
        return getattr(self._loader, name)


class Finder:
    """Finds pdb, and nothing else."""

    def __init__(self, terminal):
        self._terminal = terminal

    def find_spec(self, name, path=None, target=None):
        if name != "pdb":
            return None
        spec = PathFinder.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader, self._terminal)
        return spec


def adapt(pdb, terminal):
    """Makes every debugger of the module `pdb` ask for the terminal before it asks a person."""
    interaction = pdb.Pdb.interaction

    def on_terminal(self, *args, **kwargs):
        # One that was made with streams of its own talks to somebody else.
        if not self.use_rawinput:
            return interaction(self, *args, **kwargs)

        def run():
            streams = self.stdin, self.stdout
            self.stdin, self.stdout = sys.stdin, sys.stdout
            try:
                return interaction(self, *args, **kwargs)
            finally:
                self.stdin, self.stdout = streams

        return terminal.lend(run)

    pdb.Pdb.interaction = on_terminal


def install(terminal):
    """Adapts pdb, also if it is imported only later."""
    if "pdb" in sys.modules:
        adapt(sys.modules["pdb"], terminal)
    sys.meta_path.insert(0, Finder(terminal))
