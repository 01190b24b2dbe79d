"""The fixtures of :mod:`qtforge.testing` for pytest, which finds this module by its entry point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qtforge.testing import PluginFolder, RecordingContext, RecordingEventBus


@pytest.fixture
def plugin_context() -> Iterator[RecordingContext]:
    """A context to initialize a plugin with. What was done through it is undone after the test."""
    context = RecordingContext()
    yield context
    context.end()


@pytest.fixture
def plugin_bus(plugin_context: RecordingContext) -> RecordingEventBus:
    """The event bus of ``plugin_context``, which records what is published."""
    return plugin_context.get_event_bus()


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Iterator[PluginFolder]:
    """A folder in which a plugin can be loaded, edited and reloaded. Shut down after the test."""
    with PluginFolder(tmp_path) as folder:
        yield folder
