"""`--detach`: the work goes on in a process of its own, the command returns when the page is served."""

import os
import signal
import sys
from collections.abc import Callable

from apps.core.embedded import places, say


def run(work: Callable[[Callable[[], None]], int]) -> int:
    """Run `work` behind; it is handed what to call when the page is served. Until then its lines come through here."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setsid()
        os._exit(_behind(work, writing))
    os.close(writing)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(pid, signal.SIGINT))
    if os.read(reading, 1):
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _behind(work: Callable[[Callable[[], None]], int], writing: int) -> int:
    def served() -> None:
        """Let go of the terminal and of the waiting command."""
        log = os.open(places.locate().logs / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        empty = os.open(os.devnull, os.O_RDONLY)
        sys.stdout.flush()
        for ours, stream in ((empty, 0), (log, 1), (log, 2)):
            os.dup2(ours, stream)
        os.write(writing, b"1")
        os.close(writing)

    try:
        return work(served)
    except say.Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped before it was ready. Run bin/start again to go on.\n")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 1
