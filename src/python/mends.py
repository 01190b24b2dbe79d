"""Puts back what a plugin took out of the modules that everybody shares, when nobody waits.

Of the standard library, functions and classes that are gone or are none any more; of the modules that
nothing works without, also values that are gone or None. What was replaced by something of its kind is
left alone, for whole libraries live of that.
"""

import builtins
import logging
import os
import sys
import threading
from operator import is_, itemgetter

_ESSENTIAL = (builtins, logging, os, sys, threading)

# To be None is documented for these, or the host looks after them itself.
_FREE = {"lastResort", "stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"}


def mends():
    """Gives what looks and mends."""
    # A plugin may have taken these away.
    every, each, is_callable, gone = all, map, callable, KeyError
    watched = []
    for name, module in list(sys.modules.items()):
        if type(module) is not type(sys) or name.split(".")[0] not in sys.stdlib_module_names:
            continue
        present = vars(module)
        first = {
            name: value
            for name, value in present.items()
            if callable(value) or (module in _ESSENTIAL and value is not None and name not in _FREE)
        }
        # With one name alone, no tuple would come.
        if len(first) > 1:
            watched.append([present, itemgetter(*first), tuple(first.values()), first])

    def look():
        for row in watched:
            present, get, last, first = row
            try:
                now = get(present)
            except gone:
                now = None
            if now is not None and every(each(is_, now, last)):
                continue
            for name, was in first.items():
                value = present.get(name)
                if value is None or (is_callable(was) and not is_callable(value)):
                    present[name] = was
            row[2] = get(present)

    return look
