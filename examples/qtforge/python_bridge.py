"""What QtForge's C++ class starts: lay it beside the application, as `python_bridge.py`.

It needs replug's Python package in the interpreter that runs it: `pip install .` in a clone of replug.
"""

from qtforge.bridge import main

main()
