"""`bin/stop`: end what bin/start started, and servers that a killed one left behind."""

import os
import signal
import sys

from apps.core.embedded import places, processes, record, say
from apps.core.embedded.locks import FileLock
from apps.core.embedded.servers import Servers

PATIENCE = 120.0  # seconds; a worker may finish its task, PostgreSQL its checkpoint


def main(arguments: list[str]) -> int:
    say.prepare_streams()
    processes.leave_on_sigterm()
    voice = say.Voice(sys.stdout)
    if arguments:
        say.stop_with("bin/stop takes no options.")
    try:
        home = places.locate()
        if not home.state.exists():
            voice.line("Siyu is not running.")
            return 0
        home.create()
        return _stop(home, voice)
    except say.Refusal as refusal:
        say.stop_with(str(refusal))


def _stop(home: places.Home, voice: say.Voice) -> int:
    pid = record.living_pid(home)
    if pid is not None:
        voice.line("Stopping ...")
        os.kill(pid, signal.SIGTERM)
        if not processes.wait_gone(pid, seconds=PATIENCE):
            os.kill(pid, signal.SIGKILL)
    elif not FileLock(home.state / "start.lock").take(wait=False):
        raise say.Refusal("Siyu is just being started by another command; stop it there, or wait until it is ready.")
    processes.end(processes.marked(str(home.short)), seconds=10)
    servers = Servers(home=home)
    left_over = [server.name for server in servers.members if server.alive()]
    if not servers.release():
        voice.line(f"{' and '.join(left_over)} stay up: another Siyu command uses them and stops them at its end.")
    elif left_over:
        voice.line(f"{' and '.join(left_over)} had been left behind and were stopped.")
    voice.line("Siyu has stopped." if pid is not None or left_over else "Siyu is not running.")
    return 0
