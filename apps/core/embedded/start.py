"""`bin/start`: prepare what changed, start everything, print one address."""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from apps.core.embedded import children, environment, page, places, preparation, processes, record, say
from apps.core.embedded.locks import FileLock
from apps.core.embedded.places import Home
from apps.core.embedded.servers import Servers, free_port
from apps.core.embedded.supervisor import Supervisor, listen_to_signals

SERVED_SECONDS = 180  # how long --detach waits for the page
DROPPED = ("stamps.json", "static_root", "media", "simulator", "logs", "beat-schedule", "supervisor.json")


def main(arguments: list[str]) -> int:
    say.prepare_streams()
    try:
        return _start(_parse(arguments), say.Voice(sys.stdout))
    except say.Refusal as refusal:
        say.stop_with(str(refusal))
    except KeyboardInterrupt:
        say.stop_with("Stopped before it was ready. Run bin/start again to go on.")


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/start", description="Start Siyu on this machine, for this machine only.")
    parser.add_argument("--detach", action="store_true", help="go on in the background; return when the page is served")
    parser.add_argument("--port", type=_port, default=8000, help="the one port (default 8000)")
    parser.add_argument("--empty", action="store_true", help="without the demo")
    parser.add_argument("--fresh", action="store_true", help="drop all data first, after asking")
    parser.add_argument("--yes", action="store_true", help="with --fresh: do not ask")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _start(options: argparse.Namespace, voice: say.Voice) -> int:
    home = places.locate()
    home.create()
    lock = FileLock(home.state / "start.lock")
    if not lock.take(wait=False):
        return _already_running(home, options, voice)
    listener = _listen(options.port)
    environment.ensure(clone=home.clone, voice=voice)
    processes.end(processes.marked(str(home.short)), seconds=3)
    if options.fresh:
        _drop_state(home, asked=options.yes, voice=voice)
    servers = Servers(home=home)
    with _held(servers, voice):
        surroundings = servers.environment() | {
            "PORT": str(options.port),
            processes.MARK: str(home.short),
        }
        simulator_port = free_port(record.read(home).get("simulator_port"))
        surroundings["SIMULATOR_URL"] = f"http://127.0.0.1:{simulator_port}"
        with_demo = preparation.prepare(servers=servers, surroundings=surroundings, empty=options.empty, voice=voice)
        if options.detach and (supervisor_pid := os.fork()):
            listener.close()
            return _wait_served(home, options.port, supervisor_pid, surroundings, with_demo, voice)
        if options.detach:
            voice = _go_behind(home)
        record.write(home, port=options.port, simulator_port=simulator_port)
        supervisor = Supervisor(
            children=children.all_of(home=home, listener=listener, simulator_port=simulator_port, surroundings=surroundings),
            revive=servers.revive,
            voice=voice,
        )
        listen_to_signals(supervisor)
        supervisor.run(when_ready=lambda: _greet(home, options.port, surroundings, with_demo, voice))
        voice.line("Stopping ...")
    voice.line("Siyu has stopped.")
    return 0


@contextlib.contextmanager
def _held(servers: Servers, voice: say.Voice) -> Iterator[None]:
    """Like `servers.running`, but the process that `--detach` leaves in front leaves them to the one behind."""
    owner = os.getpid()
    servers.acquire(voice)
    try:
        yield
    except BaseException:
        servers.release()
        raise
    else:
        if os.getpid() == owner and not servers.handed_over:
            servers.release()
