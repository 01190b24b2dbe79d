"""What a generation left in places that belong to all is taken out when it ends or fails to start.

Handlers and filters that it gave to loggers, wherever it got them from; and finders, hooks and the
like that are made of its own code. What an installed package did while it was imported stays, for
such a package is never imported again.
"""

import atexit
import functools
import logging
import sys
import threading
import types
import warnings
import weakref

PLUGINS = "qtforge.plugins."

# Places for one function each.
HOOKS = [
    (sys, "excepthook"),
    (sys, "displayhook"),
    (sys, "unraisablehook"),
    (threading, "excepthook"),
    (warnings, "showwarning"),
    (warnings, "formatwarning"),
]
LISTS = [sys.meta_path, sys.path_hooks]

# Each generation's handlers and filters: of which logger, what, the method that puts it back and the one
# that takes it out, and whether that was before it was initialized.
given = weakref.WeakKeyDictionary()

# What was in each place before any plugin's function was.
before = {}

# Functions that each generation registered with `atexit`. Those of one that has ended stay, for they may
# be how it cleans up; those of one that failed go.
at_exit = weakref.WeakKeyDictionary()

# Warnings filters of installed packages.
foreign_filters = []


def install(nearest):
    """Notes from here on what is added by whom."""

    def owner():
        frame = sys._getframe(2)
        while frame is not None:
            name = frame.f_globals.get("__name__")
            if type(name) is str and name.startswith(PLUGINS):
                return nearest()
            if frame.f_code.co_filename.startswith("<frozen importlib"):
                # An installed package is being imported.
                return None
            frame = frame.f_back
        return None

    def noted(add, remove):
        @functools.wraps(add)
        def added(self, it):
            generation = owner()
            add(self, it)
            if generation is not None:
                note(generation, self, it, add, remove)

        return added

    register = atexit.register

    @functools.wraps(register)
    def registered(function, /, *args, **kwargs):
        generation = owner()
        if generation is not None:
            method = isinstance(function, types.MethodType)
            weak = weakref.WeakMethod(function) if method else weak_or_none(function)
            at_exit.setdefault(generation, []).append(weak)
        return register(function, *args, **kwargs)

    atexit.register = registered

    logger = logging.Logger
    logger.addHandler = noted(logger.addHandler, logger.removeHandler)
    logger.addFilter = noted(logger.addFilter, logger.removeFilter)

    add_filter = getattr(warnings, "_add_filter", None)
    if add_filter is not None:

        @functools.wraps(add_filter)
        def filter_added(*item, append):
            if owner() is None and item not in foreign_filters:
                foreign_filters.append(item)
            add_filter(*item, append=append)

        warnings._add_filter = filter_added


def weak_or_none(it):
    try:
        return weakref.ref(it)
    except TypeError:
        return lambda: None


def note(generation, logger, it, add, remove, early=False):
    notes = given.setdefault(generation, [])
    if len(notes) > 20:
        notes[:] = [one for one in notes if one[0]() is not None and one[1]() is not None]
    try:
        notes.append([weakref.ref(logger), weakref.ref(it), add, remove, early])
    except TypeError:
        # It cannot be followed without being kept.
        pass


def imported(generation):
    """The generation is about to be initialized; it does again what it does there."""
    for one in given.get(generation, ()):
        one[4] = True


def ended(generation, builtins, failed):
    """Takes out what the generation left; what to put back should it go on."""
    undone = []
    exits = at_exit.pop(generation, ())
    if failed:
        for function in filter(None, (function() for function in exits)):
            if made_by(function, builtins):
                atexit.unregister(function)
    for logger, it, add, remove, early in given.pop(generation, ()):
        logger, it = logger(), it()
        if logger is None or it is None or it not in [*logger.handlers, *logger.filters]:
            continue
        remove(logger, it)
        if early:
            undone.append(functools.partial(add_again, logger, it, add, remove))
    for place in LISTS:
        for it in [it for it in place if made_by(it, builtins)]:
            undone.append(functools.partial(insert, place, place.index(it), it))
            place.remove(it)
    for module, name in HOOKS:
        it = getattr(module, name, None)
        if made_by(it, builtins):
            setattr(module, name, before.get((module, name)))
            undone.append(functools.partial(hook, module, name, it))
        elif not made_by_any(it):
            before[module, name] = it
    return undone


def goes_on(generation, undone):
    """A generation that had ended is to be initialized again."""
    for put_back in reversed(undone):
        put_back(generation)


def add_again(logger, it, add, remove, generation):
    add(logger, it)
    note(generation, logger, it, add, remove, True)


def hook(module, name, it, generation):
    setattr(module, name, it)


def insert(place, position, it, generation):
    if it not in place:
        place.insert(position, it)


def made_by(it, builtins):
    """Whether `it` is a function, or an object or class with functions, of that generation."""
    if isinstance(it, functools.partial):
        it = it.func
    if isinstance(it, types.MethodType):
        it = it.__func__
    if isinstance(it, types.FunctionType):
        return it.__builtins__ is builtins
    kind = it if isinstance(it, type) else type(it)
    if not made_by_any(kind):
        return False
    functions = [getattr(value, "__func__", value) for value in vars(kind).values()]
    return any(getattr(function, "__builtins__", None) is builtins for function in functions)


def made_by_any(it):
    name = getattr(it, "__module__", None)
    return type(name) is str and name.startswith(PLUGINS)


def is_foreign(item):
    """Whether an installed package added this filter of warnings."""
    return item in foreign_filters


for module, name in HOOKS:
    before[module, name] = getattr(module, name, None)
