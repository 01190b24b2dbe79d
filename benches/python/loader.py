"""``load_plugin``, ``reload_plugin`` and ``discover_plugins`` against the seed's own code, side by side.

Run with an interpreter that has the Python package of a release build (`pip install .`):
``python benches/python/loader.py``. The two sides take turns within one process; what counts is the ratio.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qtforge.core import PluginContext, PythonPluginDiscovery, PythonPluginLoader

import seed_loader

ROUNDS = 300
PLUGINS = 200

PLUGIN = '''
from qtforge.core import PluginInterface, PluginMetadata

PLUGIN_METADATA = {{"id": "bench.p{number}", "version": "1.0.0"}}


class Plugin(PluginInterface):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)

    def initialize(self, context):
        return super().initialize(context)

    def shutdown(self):
        return super().shutdown()

{methods}
'''

METHOD = '''
    def method_{number}(self, value):
        """Does something."""
        if value > {number}:
            return [item * {number} for item in range(value)]
        return {{"value": value, "number": {number}}}
'''


def write(folder: Path, number: int, methods: int) -> Path:
    path = folder / f"plugin_{number}.py"
    text = "".join(METHOD.format(number=index) for index in range(methods))
    path.write_text(PLUGIN.format(number=number, methods=text), encoding="utf-8")
    return path


Taken = dict[str, list[float]]


def turn(sides: dict[str, Callable[[], object]], number: int, taken: Taken) -> None:
    """Adds the microseconds of one call of each side; who goes first changes from turn to turn."""
    order = list(sides.items())
    if number % 2:
        order.reverse()
    for name, call in order:
        begin = time.perf_counter()
        call()
        taken[name].append((time.perf_counter() - begin) * 1e6)


def tell(what: str, taken: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in taken.items()}
    ratios = [ours / seed for ours, seed in zip(taken["replug"], taken["seed"])]
    quartiles = statistics.quantiles(ratios, n=4)
    print(
        f"{what:32} replug {medians['replug']:9.0f} us   seed {medians['seed']:9.0f} us   "
        f"ratio {medians['replug'] / medians['seed']:.2f} "
        f"(quartiles of the pairs {quartiles[0]:.2f}–{quartiles[2]:.2f})"
    )


def load(folder: Path, methods: int) -> None:
    """A file that was not loaded before in this form, as after an edit."""
    ours, seed = PythonPluginLoader(raise_errors=True), seed_loader.PythonPluginLoader()
    path = write(folder, 0, methods)
    text = path.read_text(encoding="utf-8")
    sides = {
        "replug": lambda: ours.load_plugin(str(path)),
        "seed": lambda: seed.load_plugin(str(path)),
    }
    taken: Taken = {name: [] for name in sides}
    for number in range(ROUNDS):
        edit(path, text, number)
        turn(sides, number, taken)
        assert ours.unload_plugin("bench.p0") and seed.unload_plugin("bench.p0")
    tell(f"load_plugin, {methods} methods", taken)


def reload(folder: Path, methods: int, edited: bool) -> None:
    ours, seed = PythonPluginLoader(raise_errors=True), seed_loader.PythonPluginLoader()
    path = write(folder, 1, methods)
    text = path.read_text(encoding="utf-8")
    for loader in (ours, seed):
        plugin = loader.load_plugin(str(path))
        assert plugin is not None and plugin.initialize(PluginContext())

    def reload_seed() -> None:
        assert seed.reload_plugin("bench.p1")
        # The seed leaves that to its user; a reload of ours ends with an initialized plugin.
        seed.get_plugin("bench.p1").initialize(PluginContext())

    sides = {"replug": lambda: ours.reload_plugin("bench.p1"), "seed": reload_seed}
    taken: Taken = {name: [] for name in sides}
    for number in range(ROUNDS):
        if edited:
            edit(path, text, number)
        turn(sides, number, taken)
    tell(f"reload_plugin, {methods} methods, {'edited' if edited else 'unchanged'}", taken)


def edit(path: Path, text: str, number: int) -> None:
    """Another size each time, or Python's own .pyc would hide the edit from the seed."""
    path.write_text(f"{text}#{'.' * number}\n", encoding="utf-8")


def discover(folder: Path) -> None:
    for number in range(PLUGINS):
        write(folder, number, 10)
        folder.joinpath(f"other_{number}.py").write_text("x = 1\n" * 200, encoding="utf-8")
    ours, seed = PythonPluginDiscovery(), seed_loader.PythonPluginDiscovery()
    for discovery in (ours, seed):
        discovery.add_search_path(str(folder))
    assert len(ours.discover_plugins()) == PLUGINS
    assert ours.discover_plugins() == seed.discover_plugins()
    sides = {"replug": ours.discover_plugins, "seed": seed.discover_plugins}
    taken: Taken = {name: [] for name in sides}
    for number in range(40):
        turn(sides, number, taken)
    tell(f"discover_plugins, {PLUGINS} of {2 * PLUGINS} files", taken)


def main() -> None:
    print(f"Python {sys.version.split()[0]}, {ROUNDS} rounds each")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = folder / "many"
        many.mkdir()
        for methods in (2, 100):
            load(folder, methods)
            reload(folder, methods, edited=True)
            reload(folder, methods, edited=False)
            gc.collect()
        discover(many)


if __name__ == "__main__":
    main()
