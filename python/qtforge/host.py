"""A process that runs plugins for a supervisor: ``python -m qtforge.host``.

Started by ``replug`` and by nobody else; the sockets that it serves are inherited.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serves the supervisor until it is gone; does not come back."""
    from qtforge import _core

    # The folder that the user stands in is not a place to import from.
    del sys.path[0]
    _core.serve_host(sys.argv[1:])


if __name__ == "__main__":
    main()
