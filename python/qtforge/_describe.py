"""What a plugin's instance offers, for a program that cannot look itself: methods and properties.

Everything here runs code of the plugin (properties, ``__dir__``, ``repr``), so the caller sees to the
deadline.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from qtforge._values import plain, text_of

_TEXTS = ("name", "version", "description", "author", "license", "category")


def metadata(instance: Any, said: dict[str, Any], plugin_id: str) -> dict[str, str]:
    """Gives the metadata: what is written down, else what ``get_metadata()`` or else an attribute of
    that name says."""
    told = _own_metadata(instance)
    found = {"name": plugin_id, "version": "0.0.0"}
    for field in _TEXTS:
        for value in (said.get(field), told.get(field), _attribute(instance, field)):
            if isinstance(value, str) and value:
                found[field] = plain(value)
                break
        found.setdefault(field, "")
    if not found["category"]:
        kind = said.get("plugin_type", told.get("plugin_type"))
        found["category"] = plain(kind) if isinstance(kind, str) else ""
    return found


def _own_metadata(instance: Any) -> dict[str, Any]:
    try:
        told = instance.get_metadata()
        told = told.to_dict() if hasattr(told, "to_dict") else told
    except Exception:
        # It may lack that method, and what is wrong with it was told when the plugin was loaded.
        return {}
    return told if isinstance(told, dict) else {}


def _attribute(instance: Any, name: str) -> Any:
    try:
        return getattr(instance, name, None)
    except Exception:
        return None


def members(instance: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Gives the methods and the properties that do not begin with an underscore, by name."""
    methods: list[dict[str, Any]] = []
    properties: list[dict[str, Any]] = []
    for name in sorted({name for name in dir(instance) if isinstance(name, str)}):
        if name.startswith("_") or _is_foreign(instance, name):
            continue
        try:
            value = getattr(instance, name)
        except Exception as error:
            # A property that cannot be read now is one all the same.
            properties.append({"name": name, "type": type(error).__name__, "value": None})
            continue
        if is_method(value):
            methods.append(_method(name, value))
        elif not (isinstance(value, (type, ModuleType)) and isinstance(instance, ModuleType)):
            kind = type(value).__name__
            properties.append({"name": name, "type": kind, "value": plain(value)})
    return methods, properties


def is_method(value: Any) -> bool:
    """Says whether a value is something to call rather than to read."""
    return callable(value) and not isinstance(value, type)


def _is_foreign(instance: Any, name: str) -> bool:
    """Whether a plugin that is a module has only imported that name."""
    if not isinstance(instance, ModuleType):
        return False
    value = vars(instance).get(name)
    return inspect.isroutine(value) and getattr(value, "__module__", None) != instance.__name__


def _method(name: str, method: Any) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    try:
        signature = inspect.signature(method)
        text = str(signature)
        for parameter in signature.parameters.values():
            default = parameter.default
            annotation = parameter.annotation
            empty = inspect.Parameter.empty
            parameters.append(
                {
                    "name": parameter.name,
                    "kind": parameter.kind.name,
                    "default": None if default is empty else text_of(default),
                    "annotation": None if annotation is empty else _annotation(annotation),
                }
            )
    except Exception:
        # Functions in C need not say what they take.
        text, parameters = "(...)", []
    try:
        doc = inspect.getdoc(method)
    except Exception:
        doc = None
    described = {"name": name, "signature": text, "parameters": parameters, "doc": doc or ""}
    return {key: plain(value) for key, value in described.items()}


def _annotation(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
