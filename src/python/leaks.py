"""Whether a generation that has ended is gone, and who holds it if it is not.

A generation is alive as long as its builtins are: every function and module of it refers to them.
"""

import gc
import sys
import threading
import types
import weakref

PLUGINS = "qtforge.plugins."

# So many steps from what is held to whoever holds it, and so many objects on each of them.
DEPTH, WIDTH = 16, 200

# Who registered something with atexit, which no search can see.
at_exit = weakref.WeakSet()


def install(nearest):
    """Notes what plugins register with `atexit`."""
    import atexit
    import functools

    register = atexit.register

    @functools.wraps(register)
    def registered(function, /, *args, **kwargs):
        owner = nearest()
        if owner is not None:
            at_exit.add(owner)
        return register(function, *args, **kwargs)

    atexit.register = registered


def collect():
    """Lets go of what only caches hold. Those of `typing` keep every class that was ever named."""
    typing = sys.modules.get("typing")
    for clean in getattr(typing, "_cleanups", ()):
        clean()
    gc.collect()


def forget_registrations(builtins, package):
    """Takes functions of a generation out of registries that key them by name or by class."""
    typing = sys.modules.get("typing")
    overloads = getattr(typing, "_overload_registry", {})
    for name in [name for name in overloads if is_in(name, package)]:
        for lines in overloads[name].values():
            for line in [line for line, it in lines.items() if made_with(it, builtins)]:
                del lines[line]
    reducers = getattr(sys.modules.get("copyreg"), "dispatch_table", {})
    for kind in [kind for kind, it in reducers.items() if made_with(it, builtins)]:
        del reducers[kind]


def made_with(function, builtins):
    return getattr(function, "__builtins__", None) is builtins


def threads(builtins):
    """The names of the threads, other than this one, that run code of the generation."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = []
    for ident, frame in sys._current_frames().items():
        if ident == threading.get_ident():
            continue
        while frame is not None:
            if frame.f_builtins is builtins:
                found.append(names.get(ident, f"number {ident}"))
                break
            frame = frame.f_back
    return found


def holder(importer, builtins, package):
    """Who holds the generation, in words."""
    if importer in at_exit:
        return "a function that it registered with `atexit`"
    level = [importer, builtins]
    seen = {id(importer): None, id(builtins): None}
    # The search itself holds these.
    skip = {id(seen), id(sys._getframe()), id(sys._getframe().f_back)}
    last, state = None, False
    for _ in range(DEPTH):
        found = gc.get_referrers(*level)
        skip.update((id(level), id(found)))
        following = []
        for held in found:
            if id(held) in seen or id(held) in skip or isinstance(held, types.FrameType):
                continue
            seen[id(held)] = held
            words = place(held, level, builtins, package)
            if words:
                return words
            # Its own context refers to it as well, so every other place is the better answer.
            state = state or type(held).__module__ == "qtforge._context"
            if not is_own(held, builtins, package):
                last = held
            following.append(held)
        if not following:
            break
        level = following[:WIDTH]
    if state:
        return "`context.state`, which goes from generation to generation"
    if last is not None:
        return f"an object of type {type(last).__module__}.{type(last).__qualname__}"
    return "C code, or an object that cannot be asked"


def is_own(held, builtins, package):
    if isinstance(held, dict):
        return held.get("__builtins__") is builtins or held is builtins
    if isinstance(held, types.FunctionType):
        return made_with(held, builtins)
    kind = held if isinstance(held, type) else type(held)
    return is_in(kind.__module__, package)


def place(held, level, builtins, package):
    """Where `held` is, if that is a place that a person can go and look at."""
    if isinstance(held, dict):
        name = held.get("__name__")
        module = sys.modules.get(name) if isinstance(name, str) else None
        if module is None or getattr(module, "__dict__", None) is not held:
            return None
        if held.get("__builtins__") is builtins:
            return None
        for variable, value in held.items():
            if any(value is one for one in level):
                return f"the global `{variable}` of {plain(name)}{of_new(name, package)}"
        return f"a global of {plain(name)}"
    kind = type(held)
    if kind.__module__ == "logging" and kind.__name__ in ("Logger", "RootLogger"):
        return f"the logger `{held.name}`, to which it gave a handler or filter"
    if kind.__module__.startswith(PLUGINS) and not is_in(kind.__module__, package):
        return f"an object of class {kind.__qualname__} of the plugin module {plain(kind.__module__)}"
    return None


def of_new(name, package):
    return ", in the generation after it" if is_in(name, package) else ""


def is_in(name, package):
    return isinstance(name, str) and (name == package or name.startswith(f"{package}."))


def plain(name):
    return name.removeprefix(PLUGINS)
