"""The least that a hot reload can cost in this interpreter: what the benchmarks compare with.

`floor.py watch FOLDER` reloads the plugins in FOLDER when they are closed after writing, told by
inotify itself; `floor.py once FOLDER` loads them and ends. No debouncing, no isolation, no way back
after a fault: read, compile, shut the old one down, execute, create, initialize, one line.
"""

import ctypes
import os
import struct
import sys
from types import ModuleType, SimpleNamespace

from qtforge.core import PluginInterface

IN_CLOSE_WRITE = 0x8
HEADER = struct.Struct("iIII")

live = {}


def say(event, name=""):
    sys.stdout.write(f'{{"event": "{event}", "path": "{name}"}}\n')
    sys.stdout.flush()


def load(path, name):
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, path, "exec")
    state = {}
    if name in live:
        old, context = live[name]
        old.shutdown()
        state = dict(context.state)
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    exec(code, module.__dict__)
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == name and issubclass(value, PluginInterface):
            instance = value()
            context = SimpleNamespace(state=state)
            instance.initialize(context)
            live[name] = instance, context
            return


def load_all(folder):
    for entry in sorted(os.listdir(folder)):
        if entry.endswith(".py"):
            load(os.path.join(folder, entry), entry[:-3])


def watch(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    inotify = libc.inotify_init()
    if inotify < 0 or libc.inotify_add_watch(inotify, os.fsencode(folder), IN_CLOSE_WRITE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    load_all(folder)
    say("ready")
    while True:
        data = os.read(inotify, 65536)
        position = 0
        while position < len(data):
            _, _, _, length = HEADER.unpack_from(data, position)
            position += HEADER.size
            name = os.fsdecode(data[position : position + length].rstrip(b"\0"))
            position += length
            if name.endswith(".py"):
                load(os.path.join(folder, name), name[:-3])
                say("reloaded", name)


if sys.argv[1] == "watch":
    watch(sys.argv[2])
else:
    say("starting")
    load_all(sys.argv[2])
    say("ready")
