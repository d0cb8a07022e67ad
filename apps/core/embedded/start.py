"""`bin/start`: prepare what changed, start everything, print one address."""

import argparse
import shutil
import signal
import socket
import sys
from collections.abc import Callable

from apps.core.embedded import background, children, environment, page, places, preparation, processes, record, say
from apps.core.embedded.locks import FileLock
from apps.core.embedded.places import Home
from apps.core.embedded.servers import Servers, free_port
from apps.core.embedded.supervisor import Supervisor

DROPPED = (
    "stamps.json",
    "static_root",
    "media",
    "simulator",
    "logs",
    "beat-schedule",
    "supervisor.json",
    preparation.LOG_INS,
)


def main(arguments: list[str]) -> int:
    say.prepare_streams()
    processes.leave_on_sigterm()
    options = _parse(arguments)
    voice = say.Voice(sys.stdout)
    try:
        if options.fresh and not options.yes:
            _confirm(places.locate())
        if options.detach:
            return background.run(lambda ready: _start(options=options, voice=voice, when_served=ready))
        return _start(options=options, voice=voice, when_served=lambda: voice.line("Stop it with Ctrl-C."))
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


def _start(*, options: argparse.Namespace, voice: say.Voice, when_served: Callable[[], None]) -> int:
    home = places.locate()
    home.create()
    lock = FileLock(home.state / "start.lock")
    if not lock.take(wait=False):
        return _already_running(home, options, voice)
    with _listen(options.port) as listener:
        environment.ensure(clone=home.clone, voice=voice)
        processes.end(processes.marked(str(home.short)), seconds=3)
        if options.fresh:
            _drop_state(home, voice)
        servers = Servers(home=home)
        with servers.started():
            _serve(servers=servers, listener=listener, options=options, voice=voice, when_served=when_served)
    voice.line("Siyu has stopped.")
    return 0


def _serve(
    *,
    servers: Servers,
    listener: socket.socket,
    options: argparse.Namespace,
    voice: say.Voice,
    when_served: Callable[[], None],
) -> None:
    """Prepare, then supervise until a signal. Where nothing is to prepare, the page's process loads while PostgreSQL starts."""
    home = servers.home
    simulator_port = free_port(record.read(home).get("simulator_port"))
    surroundings = seen_by_children(servers, port=options.port, simulator_port=simulator_port)
    before = preparation.Preparation(servers=servers, surroundings=surroundings, voice=voice)

    def greet() -> None:
        _greet(home=home, port=options.port, log_ins=before.log_ins(), voice=voice)
        when_served()

    supervisor = Supervisor(
        children=children.all_of(
            home=home, listener=listener, port=options.port, surroundings=surroundings, when_served=greet
        ),
        revive=servers.revive,
        voice=voice,
    )
    try:
        if before.is_done():
            supervisor.begin(*children.PAGE)
        servers.wait_ready(voice)
        before.run(empty=options.empty)
        record.write(home, port=options.port, simulator_port=simulator_port)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
                signal.signal(number, supervisor.ask_to_stop)
        supervisor.run()
    finally:
        supervisor.stop()


def seen_by_children(servers: Servers, *, port: int, simulator_port: int) -> dict[str, str]:
    """What every child sees. Links in messages lead to the address that is served here, unless a PUBLIC_URL is set outside."""
    found = servers.environment()
    return found | {
        "PORT": str(port),
        "PUBLIC_URL": found.get("PUBLIC_URL") or page.address(port).rstrip("/"),
        "SIMULATOR_URL": f"http://127.0.0.1:{simulator_port}",
        processes.MARK: str(servers.home.short),
    }


def _greet(*, home: Home, port: int, log_ins: str, voice: say.Voice) -> None:
    if not page.is_served(port):
        voice.line(f"Siyu runs, but its page does not answer as it should; see {home.logs}")
    voice.line(f"\nSiyu is ready: {page.address(port)}\n")
    voice.line(log_ins or "Make the first account with: bin/manage add_staff NAME --role admin")


def _already_running(home: Home, options: argparse.Namespace, voice: say.Voice) -> int:
    if options.fresh:
        raise say.Refusal("Siyu is running. Stop it with bin/stop, then drop its data with bin/start --fresh.")
    if record.living_pid(home) is None:
        voice.line("Siyu is being started by another command. Its page will stand at the address that one prints.")
    else:
        voice.line(f"Siyu is running already: {page.address(record.read(home)['port'])}")
    return 0


def _listen(port: int) -> socket.socket:
    """Take the port before anything slow, and keep it: the front door may die, its visitors wait in the queue."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except PermissionError:
        raise say.Refusal(f"Port {port} is reserved for root. Choose another: bin/start --port 8080") from None
    except OSError as wrong:
        raise say.Refusal(
            f"Port {port} cannot be used ({wrong.strerror}). Choose another: bin/start --port 8080"
        ) from None
    return listener


def _confirm(home: Home) -> None:
    if not sys.stdin.isatty():
        raise say.Refusal("--fresh drops all data. Nobody can be asked here; say --yes as well.")
    answer = input(f"This removes all of Siyu's data in {home.state}. Type yes to go on: ")
    if answer.strip().lower() != "yes":
        raise say.Refusal("Nothing was removed.")


def _drop_state(home: Home, voice: say.Voice) -> None:
    """Everything of this home but outside servers, and the keys of an outside database's encrypted fields."""
    servers = Servers(home=home)
    servers.drop()
    for name in DROPPED:
        path = home.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if servers.postgres in servers.members:
        (home.state / "secrets.json").unlink(missing_ok=True)
    home.create()
    voice.line("The old data is gone.")
