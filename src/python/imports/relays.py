"""Puts functions that know own modules in place of those of the standard library.

`lookup` finds the plugin that asks, from the stack. Everything else behaves as it did.
"""

import functools
import importlib
import importlib.util
import pkgutil


def install(lookup):
    """Replaces what looks modules up by name."""
    stand_in(importlib, "import_module", lookup.import_module)
    stand_in(importlib.util, "find_spec", lookup.find_spec)

    get_data, walk_packages = pkgutil.get_data, pkgutil.walk_packages

    def own_data(package, resource):
        return get_data(lookup.full_name(package) or package, resource)

    def own_walk(path=None, prefix="", onerror=None):
        full = prefix.endswith(".") and lookup.full_name(prefix[:-1])
        if not full:
            return walk_packages(path, prefix, onerror)
        return walk(path, prefix, f"{full}.", onerror)

    def walk(path, prefix, full, onerror):
        # It looks modules up in sys.modules, where they stand under their full names.
        for info in walk_packages(path, full, onerror):
            yield info._replace(name=prefix + info.name[len(full):])

    stand_in(pkgutil, "get_data", own_data)
    stand_in(pkgutil, "walk_packages", own_walk)


def stand_in(module, name, function):
    original = getattr(module, name)

    # A Python function, because others ask for its attributes and its signature.
    @functools.wraps(original)
    def replacement(*args, **kwargs):
        return function(*args, **kwargs)

    setattr(module, name, replacement)
