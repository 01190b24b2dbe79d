"""The loader of shared modules: Python's own for source files, without `.pyc`.

`modules` has the contents, and the builtins that tell whose imports are whose.
"""

from importlib.machinery import SourceFileLoader
from types import ModuleType


class SharedLoader(SourceFileLoader):
    """Of one shared module."""

    def __init__(self, modules, name, path):
        super().__init__(name, path)
        self.modules = modules

    def create_module(self, spec):
        module = ModuleType(spec.name)
        module.__dict__["__builtins__"] = self.modules.builtins
        return module

    def get_code(self, fullname):
        return self.modules.code(fullname, self.path)

    def get_data(self, path):
        known = self.modules.data(path)
        return super().get_data(path) if known is None else known
