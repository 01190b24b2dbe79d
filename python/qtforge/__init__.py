"""The Python side of replug: what plugins import, and what hosts them.

Plugins need :mod:`qtforge.core` only. Modules whose names begin with an underscore belong to the
host and may change at any time.
"""

from qtforge import core

__all__ = ["core"]
