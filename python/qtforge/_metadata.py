"""What a plugin says about itself: :class:`PluginMetadata`.

Takes keyword arguments or a plain dict (``PLUGIN_METADATA``, ``plugin.json``); gives checked
values, and a JSON-able dict back. A fault names the field that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TEXTS = ("name", "version", "description", "author", "license")
_LISTS = ("dependencies", "capabilities", "requirements", "tags")
_TABLES = ("configuration", "extra")


class PluginType(str, Enum):
    """What kind of plugin it is. Each member equals its word: ``PluginType.UI == "ui"``."""

    SERVICE = "service"
    UTILITY = "utility"
    UI = "ui"
    FILTER = "filter"
    EXTENSION = "extension"

    def __str__(self) -> str:
        # Python 3.11 changed what a str-valued member prints as; the word is the same everywhere.
        return str(self.value)


@dataclass
class PluginMetadata:
    """The metadata of a plugin. Only ``id`` is required.

    Attributes:
        id: the plugin's name for programs: ``[A-Za-z0-9_][A-Za-z0-9_.-]*``.
        name: its name for people.
        version: its version.
        description: one line on what it does.
        author: who wrote it.
        plugin_type: a :class:`PluginType`, or a word of the author's own.
        dependencies: ids of plugins that must be live first.
        capabilities: what it offers, in its own words.
        configuration: its settings before the user's are merged over them.
        license: under which licence.
        requirements: packages that it needs, as PEP 508 writes them.
        tags: words to find it by.
        activation: ``"eager"``, or ``"lazy"``: loaded when first asked for.
        extra: fields that are none of the above, as they were given.

    Raises:
        TypeError: a value of the wrong type; the message names the field.
        ValueError: an id or an ``activation`` of the wrong form; the message names the field.
    """

    id: str
    name: str = ""
    version: str = "0.0.0"
    description: str = ""
    author: str = ""
    plugin_type: PluginType | str = PluginType.UTILITY
    dependencies: list[str] = field(default_factory=list)
    capabilities: list[str] = field(default_factory=list)
    configuration: dict[str, Any] = field(default_factory=dict)
    license: str = ""
    requirements: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    activation: str = "eager"
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_id("id", self.id)
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        for name in _LISTS:
            setattr(self, name, _list_of_text(name, getattr(self, name)))
        for name in _TABLES:
            setattr(self, name, _table(name, getattr(self, name)))
        for index, dependency in enumerate(self.dependencies):
            _check_id(f"dependencies[{index}]", dependency)
        self.plugin_type = _plugin_type(self.plugin_type)
        if self.activation not in ("eager", "lazy"):
            _check_text("activation", self.activation)
            raise ValueError(f"activation: {self.activation!r} is neither 'eager' nor 'lazy'")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PluginMetadata:
        """Reads a dict such as ``PLUGIN_METADATA``; unknown fields are kept in ``extra``.

        Raises:
            TypeError: ``data`` is no mapping, or a field has the wrong type.
            ValueError: ``id`` is missing, or a field has the wrong form.
        """
        if not isinstance(data, Mapping):
            raise TypeError(f"metadata: a dict was expected, not {_kind(data)}")
        if "id" not in data:
            raise ValueError("id: is missing")
        known: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in data.items():
            if name not in _KNOWN:
                extra[name] = value
            elif value is None:
                # The constructor takes None for an empty list, as QtForge's own class does.
                raise TypeError(f"{name}: has no value")
            else:
                known[name] = value
        return cls(**known, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Gives a JSON-able dict that :meth:`from_dict` reads back, ``extra`` among the rest.

        Raises:
            TypeError: ``configuration`` or ``extra`` holds what JSON cannot; the message names it.
        """
        own = {name: _plain(name, getattr(self, name)) for name in _KNOWN}
        return own | {
            str(name): _plain(str(name), value)
            for name, value in self.extra.items()
            if name not in own
        }


# `extra` is not among them: in a dict, a field of that name is an unknown one like any other.
_KNOWN = tuple(spec.name for spec in fields(PluginMetadata) if spec.name != "extra")


def _kind(value: object) -> str:
    return type(value).__name__


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: a string was expected, not {_kind(value)}")


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name}: a string was expected, not {_kind(value)}")
    if not _ID.fullmatch(value):
        raise ValueError(
            f"{name}: {value!r} is no plugin id (letters, digits, '_', and after the first "
            "character also '.' and '-')"
        )


def _list_of_text(name: str, value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name}: a list of strings was expected, not {_kind(value)}")
    for index, item in enumerate(value):
        _check_text(f"{name}[{index}]", item)
    return list(value)


def _table(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: a dict was expected, not {_kind(value)}")
    return dict(value)


def _plugin_type(value: object) -> PluginType | str:
    if not isinstance(value, str):
        raise TypeError(f"plugin_type: a PluginType or a string was expected, not {_kind(value)}")
    try:
        return PluginType(value)
    except ValueError:
        return value


def _plain(place: str, value: object) -> Any:
    """Gives a copy of `value` that is made of JSON's own types only."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(f"{place}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{place}.{key}", item) for key, item in value.items()}
    raise TypeError(f"{place}: {_kind(value)} cannot be written as JSON")
