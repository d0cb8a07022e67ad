"""Starting, recognising and ending processes of our own. Linux first; macOS by its slower means."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG = 1
MARK = "SIYU_SUPERVISED"  # in the environment of every supervised process and of its children

_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def dies_with_parent(number: int = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: the child gets this signal when the thread that started it ends, even by kill -9."""
    parent = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before we asked
                os._exit(1)

    return ask


def started_at(pid: int) -> str | None:
    """What tells a process from a later one with the same number; None when it is gone (or a zombie)."""
    if LINUX:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, begun = answer.stdout.strip().partition(" ")
    return begun.strip() or None if not state.startswith("Z") else None


def alive(pid: int) -> bool:
    return started_at(pid) is not None


def wait_gone(pid: int, *, seconds: float) -> bool:
    """True as soon as the process is gone. Reaps it when it is our child."""
    limit = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def signal_group(pid: int, number: int) -> None:
    """Signal the process group that `pid` leads or led; nothing happens when nobody is left in it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def running_in(folder: Path) -> list[int]:
    """Processes whose working folder is this one (a PostgreSQL backend stands in its data folder)."""
    found = []
    for pid in _pids():
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder):
                found.append(pid)
        except OSError:
            continue
    return found


def marked(value: str) -> list[int]:
    """Processes that an earlier supervisor of this home left behind, and their children."""
    wanted = f"{MARK}={value}".encode()
    found = []
    for pid in _pids():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            found.append(pid)
    return found


def end(pids: list[int], *, seconds: float, number: int = signal.SIGTERM) -> None:
    """Ask, wait, then insist."""
    for pid in pids:
        _kill(pid, number)
    limit = time.monotonic() + seconds
    for pid in pids:
        if not wait_gone(pid, seconds=max(0.0, limit - time.monotonic())):
            _kill(pid, signal.SIGKILL)
            wait_gone(pid, seconds=5)


def run_in_front(command: list[str], *, environment: dict[str, str], folder: Path | None = None) -> int:
    """Run with our own input, output and terminal; its exit code, 128 + n when signal n ended it.

    Ctrl-C reaches the command itself; we wait for what it makes of it, and pass SIGTERM on.
    """
    follow, interrupt = dies_with_parent(), signal.getsignal(signal.SIGINT)

    def set_up() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN if interrupt == signal.SIG_IGN else signal.SIG_DFL)
        follow()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(command, env=environment, cwd=folder, preexec_fn=set_up)
    earlier = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    signal.signal(signal.SIGTERM, earlier)
    signal.signal(signal.SIGINT, interrupt)
    return code if code >= 0 else 128 - code


def leave_on_sigterm() -> None:
    """SIGTERM unwinds like an error, so that what was taken is given back."""

    def leave(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _pids() -> list[int]:
    if not LINUX:
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
