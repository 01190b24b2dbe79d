"""Serves a host program over stdin and stdout: ``python -m qtforge.bridge``.

It speaks the JSON-lines protocol of QtForge's C++ class ``PythonExecutionEnvironment``, as
``replug bridge`` does, whose options it takes.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serves until stdin ends or somebody asks to stop; does not come back."""
    from qtforge import _core

    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        # Neither the folder of the script nor the one that the host stands in is a place to import
        # from: what lies there may be called as a module of the standard library is.
        del sys.path[0]
    _core.main(["replug", "bridge", *sys.argv[1:]])


if __name__ == "__main__":
    main()
