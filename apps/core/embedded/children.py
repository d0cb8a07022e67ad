"""The processes of one installation, in starting order: first what makes the page appear."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.core.embedded import page
from apps.core.embedded.environment import python
from apps.core.embedded.places import Home
from apps.core.embedded.supervisor import Child

WEB_WORKERS = 2
WEB_THREADS = 8  # per worker; each keeps a connection to the database
WORKERS = 2
PAGE = ("front door", "web")  # what shows the first page


def all_of(
    *, home: Home, listener: socket.socket, port: int, surroundings: dict[str, str], when_served: Callable[[], None]
) -> list[Child]:
    """`when_served` is called once, when the web process answers; the others start after it."""
    web, sockets = home.socket("web"), home.socket("sockets")
    descriptor = listener.fileno()
    door = [
        "-m",
        "apps.core.embedded.front_door",
        "--fd",
        str(descriptor),
        "--web",
        str(web),
        "--sockets",
        str(sockets),
    ]
    celery = ["-m", "celery", "-A", "config.celery"]
    simulator_port = surroundings["SIMULATOR_URL"].rpartition(":")[2]

    def child(name: str, arguments: list[str], **more: Any) -> Child:
        return Child(
            name=name, command=[str(python(home.clone)), *arguments], environment=more.pop("environment", surroundings),
            log=home.logs / f"{name.replace(' ', '-')}.log", folder=home.clone, **more,
        )  # fmt: skip

    return [
        child("front door", door, files=(descriptor,)),
        child(
            "web", granian("wsgi", "config.wsgi:application", web, workers=WEB_WORKERS, threads=WEB_THREADS),
            ready=lambda: page.is_healthy(port), once_ready=when_served, stale=web, environment=of_web(surroundings),
        ),
        child("sockets", granian("asgi", "config.asgi:application", sockets, workers=1, threads=1), stale=sockets),
        child(
            "simulator",
            ["-m", "apps.gateways.simulator", "--port", simulator_port, "--state", str(home.state / "simulator")],
        ),
        child(
            "worker",
            [*celery, "worker", "--loglevel", "INFO", "--concurrency", str(WORKERS), "--without-gossip", "--without-mingle"],
            stop_seconds=30.0,
        ),
        child(
            "beat", [*celery, "beat", "--loglevel", "INFO", "--schedule", str(home.state / "beat-schedule"), "--pidfile="]
        ),
    ]  # fmt: skip


def of_web(surroundings: dict[str, str]) -> dict[str, str]:
    """Its threads are few and last: each keeps a connection of its own, which costs a request a tenth less than taking turns."""
    return {"DATABASE_POOL_SIZE": "0"} | surroundings


def granian(interface: str, application: str, path: Path, *, workers: int, threads: int) -> list[str]:
    """Arguments of Python for a server on a Unix socket."""
    return [
        "-m", "granian", "--interface", interface, "--uds", str(path), "--workers", str(workers),
        "--blocking-threads", str(threads), "--no-ws" if interface == "wsgi" else "--ws", "--respawn-failed-workers",
        "--workers-kill-timeout", "10", "--backpressure", "128", application,
    ]  # fmt: skip
