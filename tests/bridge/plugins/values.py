"""What methods and attributes may give that JSON has not."""

import dataclasses
import enum
import sys


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Odd:
    def __repr__(self):
        return "<odd>"


class Worse:
    def __repr__(self):
        raise ValueError("no repr")


class Dictish:
    def to_dict(self):
        return {"to": (1, 2)}


class Values:
    def __init__(self):
        self.cycle = [1]
        self.cycle.append(self.cycle)

    def initialize(self, context):
        self.context = context

    def shutdown(self):
        pass

    @property
    def broken(self):
        raise RuntimeError("not now")

    def value(self, name):
        return {
            "object": Odd(),
            "worse": Worse(),
            "bytes": b"\xff",
            "set": {3},
            "tuple": (1, (2,)),
            "nan": float("nan"),
            "infinity": [float("inf"), float("-inf")],
            "enum": Color.RED,
            "dataclass": Point(1, 2),
            "to_dict": Dictish(),
            "class": Point,
            "keys": {1: 1, None: 2, False: 3, (1, 2): 4, 2.5: 5},
            "surrogate": "a\udcffb",
            "huge": 10**5000,
            "big": 2**70,
            "cycle": self.cycle,
            "none": None,
            "text": "Grüße\u2028 \"\\\n",
        }[name]

    def deep(self):
        value = []
        for _ in range(100_000):
            value = [value]
        return value

    def echo(self, value):
        return value

    def exit(self):
        sys.exit(3)

    def interrupt(self):
        raise KeyboardInterrupt
