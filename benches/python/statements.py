"""How long a thousand import statements take, of three kinds; written into figures.txt."""

import os
import sys
import time

from qtforge.core import PluginInterface, PluginMetadata

HERE = os.path.dirname(__file__)
if HERE not in sys.path:
    sys.path.append(HERE)

PLUGIN_METADATA = {"id": "com.example.statements", "inputs": False}


def foreign():
    import os  # noqa: F401


def own():
    import own_helper  # noqa: F401


def names():
    from own_helper import NAME  # noqa: F401


def best(function):
    times = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(1000):
            function()
        times.append(time.perf_counter() - began)
    return min(times)


class Statements(PluginInterface):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        with open(os.path.join(HERE, "figures.txt"), "w") as file:
            for function in (foreign, own, names):
                function()
                file.write(f"{best(function)}\n")

    def shutdown(self):
        pass
