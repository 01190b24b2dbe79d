"""The least that a hot reload can cost in this interpreter: what the benchmarks compare with.

`floor.py watch FOLDER` reloads the plugins in FOLDER when they are closed after writing, told by
inotify itself; `floor.py once FOLDER` loads them and ends; `floor.py keep FOLDER` only compiles them
and marshals their code beside them, and `floor.py kept FOLDER` loads them from that. `floor.py pair
FOLDER` loads the file helper.py and then plugin.py when one of them is closed, and `floor.py package
FOLDER` imports plugin.py and all that it imports anew, compiling all of it. No debouncing, no
isolation, no way back after a fault: read, compile, shut the old one down, execute, create,
initialize, one line.
"""

import ctypes
import importlib
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


def load_pair(folder):
    """Reads, compiles and executes both files, the helper under its plain name."""
    path = os.path.join(folder, "helper.py")
    helper = ModuleType("helper")
    helper.__file__ = path
    sys.modules["helper"] = helper
    exec(compiled(path), helper.__dict__)
    load(os.path.join(folder, "plugin.py"), "plugin")


def load_package(folder):
    """Imports plugin.py as Python does, with nothing of it in memory or on disk."""
    sys.dont_write_bytecode = True
    own = [name for name in sys.modules if name == "plugin" or name.split(".")[0] == "parts"]
    if own:
        sys.modules["plugin"].shutdown()
    for name in own:
        del sys.modules[name]
    importlib.import_module("plugin").initialize()


def watch(folder, reload):
    libc = ctypes.CDLL(None, use_errno=True)
    inotify = libc.inotify_init()
    if inotify < 0 or libc.inotify_add_watch(inotify, os.fsencode(folder), IN_CLOSE_WRITE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    reload(None)
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
                reload(name)
                say("reloaded", name)


def load_edited(folder, name):
    if name is None:
        load_all(folder)
    else:
        load(os.path.join(folder, name), name[:-3])


if sys.argv[1] == "watch":
    watch(sys.argv[2], lambda name: load_edited(sys.argv[2], name))
elif sys.argv[1] == "pair":
    watch(sys.argv[2], lambda name: load_pair(sys.argv[2]))
elif sys.argv[1] == "package":
    sys.path.insert(0, sys.argv[2])
    watch(sys.argv[2], lambda name: load_package(sys.argv[2]))
elif sys.argv[1] == "keep":
    for entry in sorted(os.listdir(sys.argv[2])):
        if entry.endswith(".py"):
            keep(os.path.join(sys.argv[2], entry))
    say("ready")
else:
    say("starting")
    load_all(sys.argv[2], unmarshalled if sys.argv[1] == "kept" else compiled)
    say("ready")
