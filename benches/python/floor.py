"""The least that a hot reload can cost in this interpreter: what the benchmarks compare with.

`floor.py watch FOLDER` reloads the plugins in FOLDER when they are closed after writing, told by
inotify itself; `floor.py once FOLDER` loads them and ends; `floor.py keep FOLDER` only compiles them
and marshals their code beside them, and `floor.py kept FOLDER` loads them from that. No debouncing, no
isolation, no way back after a fault: read, compile, shut the old one down, execute, create,
initialize, one line.
"""

import ctypes
import marshal
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


def compiled(path):
    with open(path, "rb") as file:
        source = file.read()
    return compile(source, path, "exec")


def unmarshalled(path):
    with open(path + ".code", "rb") as file:
        return marshal.loads(file.read())


def keep(path):
    with open(path + ".code", "wb") as file:
        file.write(marshal.dumps(compiled(path)))


def load(path, name, code_of=compiled):
    code = code_of(path)
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
        if isinstance(value, type) and value.__module__ == name and hasattr(value, "initialize"):
            instance = value()
            context = SimpleNamespace(state=state)
            instance.initialize(context)
            live[name] = instance, context
            return


def load_all(folder, code_of=compiled):
    for entry in sorted(os.listdir(folder)):
        if entry.endswith(".py"):
            load(os.path.join(folder, entry), entry[:-3], code_of)


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
elif sys.argv[1] == "keep":
    for entry in sorted(os.listdir(sys.argv[2])):
        if entry.endswith(".py"):
            keep(os.path.join(sys.argv[2], entry))
    say("ready")
else:
    say("starting")
    load_all(sys.argv[2], unmarshalled if sys.argv[1] == "kept" else compiled)
    say("ready")
