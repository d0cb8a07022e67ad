"""Heavy packages that only few calls need, loaded by the first of them: numpy costs each process that starts 0.15 s and 20 MB."""

import importlib
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module at the head of a file until something of it is asked for. Safe among threads, as imports are."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)
