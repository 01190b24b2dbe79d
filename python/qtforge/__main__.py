"""The ``replug`` command: ``python -m qtforge`` does the same."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line of this process; does not come back."""
    from qtforge import _core

    _core.main(["replug", *sys.argv[1:]])


if __name__ == "__main__":
    main()
