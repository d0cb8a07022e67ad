"""Where everything stands: the clone, the state folder, and a short folder for sockets."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from apps.core.embedded.say import Refusal

CLONE = Path(__file__).resolve().parents[3]
LONGEST_SOCKET_PATH = 103  # bytes; Linux allows 107, macOS 103
POSTGRES_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Home:
    """One installation's state. `state` may be anywhere and as deep as it likes: sockets stand in `short`."""

    clone: Path
    state: Path
    short: Path

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def sockets(self) -> Path:
        return self.short / "run"

    def socket(self, name: str) -> Path:
        return self.sockets / f"{name}.sock"

    def nested(self, name: str) -> "Home":
        """A home inside this one (the tests' own servers)."""
        return locate(clone=self.clone, state=self.state / name)

    def create(self) -> None:
        """Make the folders. Raises Refusal when one belongs to somebody else."""
        _own_folder(self.state, 0o700, parents=True, shared_ok=True)
        self.logs.mkdir(exist_ok=True)
        # PostgreSQL of a root installation runs as `nobody`, who must be able to pass through, not to list.
        passable = 0o711 if os.geteuid() == 0 else 0o700
        _own_folder(self.short.parent, passable)
        _own_folder(self.short, passable)
        _own_folder(self.sockets, 0o700)


def locate(*, clone: Path = CLONE, state: Path | None = None) -> Home:
    """The home that `SIYU_HOME` names, or `.siyu` in the clone."""
    state = state or Path(os.path.abspath(os.path.expanduser(os.environ.get("SIYU_HOME") or clone / ".siyu")))
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:8]
    short = Path("/var/tmp" if os.path.isdir("/var/tmp") else "/tmp") / f"siyu-{os.geteuid()}" / name  # noqa: S108 - ownership is checked before use
    home = Home(clone=clone, state=state, short=short)
    if len(os.fsencode(home.short / "postgres" / POSTGRES_SOCKET)) > LONGEST_SOCKET_PATH:
        raise Refusal(f"The path {home.short} is too long for a socket.")
    return home


def _own_folder(path: Path, mode: int, *, parents: bool = False, shared_ok: bool = False) -> None:
    """Create the folder, or accept one that is ours alone. A folder that was there keeps its permissions."""
    try:
        path.mkdir(parents=parents)
    except FileExistsError:
        found = path.lstat()
        if not shared_ok and (not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022):
            raise Refusal(f"{path} was there before and others may write to it. Remove it and start again.") from None
        if path.stat().st_uid != os.geteuid():
            raise Refusal(
                f"{path} belongs to another user. Start Siyu as that user, or set SIYU_HOME to a folder of your own."
            ) from None
    except OSError as wrong:
        raise Refusal(
            f"Siyu cannot write to {path.parent}: {wrong.strerror}. Set SIYU_HOME to another folder."
        ) from None
    else:
        path.chmod(mode)
