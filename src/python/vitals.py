"""Looks whether the interpreter still works after a plugin's code ran, and mends what can be mended.

A function that is gone, or that is no function any more, is put back; one that was replaced by
another is left alone, for whole libraries live of that. What cannot be put back is told.
"""

import builtins
import gc
import importlib
import importlib._bootstrap
import importlib._bootstrap_external
import io
import logging
import os
import sys
import threading

_MISSING = object()

# Whatever else is imported, nothing works without these.
_ESSENTIAL = (builtins, gc, importlib, io, logging, os, sys, threading)


def vitals():
    """Gives what is watched, as dicts, what mends those, and what tells in words what else is broken.

    The dicts, and that the modules are where they were, are looked at elsewhere, where it takes a
    tenth of the time.
    """
    modules = sys.modules
    names = [
        (name, module)
        for name, module in modules.items()
        if module in _ESSENTIAL or name.split(".")[0] in ("importlib", "qtforge")
    ]
    # A look must cost next to nothing, so of these only that they are there.
    large = (gc, os, sys)
    watched = {id(module): module for _, module in names if module not in large}
    for module in list(watched.values()):
        if module.__name__.startswith("qtforge."):
            for value in vars(module).values():
                if isinstance(value, type) and value.__module__.startswith("qtforge."):
                    watched[id(value)] = value
    for owner in (importlib._bootstrap, importlib._bootstrap_external, logging.Logger):
        watched[id(owner)] = owner
    # What each was made of at first.
    first = [(owner, dict(vars(owner))) for owner in watched.values()]
    manager = logging.Logger.manager
    root = logging.root
    gc_was_enabled = gc.isenabled()
    threshold = gc.get_threshold()
    traces = sys.gettrace(), sys.getprofile()

    def mend(place):
        owner, attributes = first[place]
        now = vars(owner)
        for name, was in attributes.items():
            value = now.get(name, _MISSING)
            if value is was:
                continue
            if value is _MISSING or (callable(was) and not callable(value)):
                setattr(owner, name, was)
        if isinstance(owner, type):
            # What Python itself looks for in a class is not for others to add.
            for name in now.keys() - attributes.keys():
                if name.startswith("__"):
                    delattr(owner, name)

    def check(changed):
        if sys.gettrace() is not traces[0]:
            sys.settrace(traces[0])
        if sys.getprofile() is not traces[1]:
            sys.setprofile(traces[1])
        if sys.modules is not modules:
            return "replaced sys.modules"
        if logging.Logger.manager is not manager or logging.root is not root:
            logging.Logger.manager, logging.root = manager, root
        if type(sys.path_importer_cache) is not dict:
            sys.path_importer_cache = {}
        if gc_was_enabled and not gc.isenabled():
            gc.enable()
        if not gc.get_threshold()[0] and threshold[0]:
            gc.set_threshold(*threshold)
        try:
            if changed:
                compile("", "<replug vitals>", "exec")
            else:
                # What a hook of a plugin has against compiling, without doing it.
                sys.audit("compile", None, "<replug vitals>")
            logging.getLogger("qtforge.plugins")
            __import__("qtforge.core")
        except BaseException as error:
            return f"nothing can be imported: {type(error).__name__}: {error}"
        return None

    return names, [_dict_of(owner) for owner, _ in first], mend, check


def _dict_of(owner):
    attributes = vars(owner)
    # That of a class is behind a proxy.
    return attributes if type(attributes) is dict else gc.get_referents(attributes)[0]
