"""Python values as JSON has them, for a reader that knows nothing of Python.

What JSON has goes over as it is. Tuples and sets become lists, enums their values, dataclasses and
what has ``to_dict()`` objects. For everything else, such as an object, bytes, a number that is none,
or a list within itself, stands an object with the type and the ``repr``, so that no answer is lost
for the sake of one value.
"""

from __future__ import annotations

import dataclasses
import math
from enum import Enum
from typing import Any

#: The key that tells such an object from a dict of the plugin's own.
MARK = "__python__"

# Readers give up at some depth; Qt does at 1024.
_DEPTH = 100

# Longer ones tell nobody anything.
_REPR = 1000

# What a number has to fit into is the reader's business, but Python itself refuses to write some.
_BITS = 4096


def plain(value: Any) -> Any:
    """Gives what JSON can hold of a value. Runs code of its class (``repr``, ``to_dict``).

    Raises:
        BaseException: what code of the class raised, if it is no Exception.
    """
    return _plain(value, ())


def text_of(value: Any) -> str:
    """Gives the ``repr`` of a value, also if that raises, cut where it is long."""
    try:
        text = repr(value)
    except Exception as error:
        return f"<its __repr__ raised {type(error).__name__}>"
    return clean(text if len(text) <= _REPR else text[: _REPR - 1] + "…")


def clean(text: str) -> str:
    """Gives a text that is Unicode: what stands for undecodable bytes in Python is no character."""
    text = str.__str__(text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, Enum):
        return _plain(value.value, around)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        number = int.__int__(value)
        return number if number.bit_length() <= _BITS else _marked(value, hex(number)[:_REPR])
    if isinstance(value, float):
        real = float.__float__(value)
        return real if math.isfinite(real) else _marked(value, float.__repr__(real))
    if id(value) in around or len(around) >= _DEPTH:
        return _marked(value, "…")
    inside = (*around, id(value))
    if isinstance(value, dict):
        return {_key(key): _plain(item, inside) for key, item in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, inside) for item in list(value)]
    if isinstance(value, type):
        return _marked(value, text_of(value))
    try:
        if dataclasses.is_dataclass(value):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return _plain(fields, inside)
        to_dict = getattr(value, "to_dict", None)
        if callable(to_dict):
            return _plain(to_dict(), inside)
    except Exception:
        # It is worth no failure: the value is told as any other object is.
        pass
    return _marked(value, text_of(value))


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return clean(key)
    # As JavaScript and Python's own json write them.
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return text_of(key)


def _marked(value: Any, text: str) -> dict[str, str]:
    kind = type(value)
    module = kind.__module__
    name = kind.__qualname__
    return {MARK: clean(name if module == "builtins" else f"{module}.{name}"), "repr": text}
