"""File locks between commands. The system frees them when a process dies, however it dies."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An advisory lock; held until `release`, or until the last process that inherited it is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Take or change the lock. False when somebody else has it and `wait` is off."""
        if self._file is None:
            flags = os.O_RDONLY if self.path.is_dir() else os.O_RDWR | os.O_CREAT
            self._file = os.open(self.path, flags | os.O_CLOEXEC, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "FileLock":
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
