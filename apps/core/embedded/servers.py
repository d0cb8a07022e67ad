"""The embedded servers of a home, shared by every command that needs them; the last user stops them."""

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from apps.core.embedded import keys
from apps.core.embedded.environment import packages_folder, python
from apps.core.embedded.locks import FileLock
from apps.core.embedded.places import Home
from apps.core.embedded.postgres import APPLICATION, OWNER, Postgres
from apps.core.embedded.say import Refusal, Voice
from apps.core.embedded.valkey import Valkey

# Left out of what every child sees. Without compiled modules each process compiles the house anew: of pytest's workers alone 13 s each.
STRANGE = (
    "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip
BROKER_NAMES = ("REDIS_URL", "CHANNELS_REDIS_URL", "CELERY_BROKER_URL")


class Servers:
    """PostgreSQL and Valkey, each only where the environment names no outside one."""

    def __init__(self, *, home: Home, outside: Mapping[str, str] = os.environ, careless: bool = False) -> None:
        self.home = home
        self.outside = outside
        self._use = FileLock(home.state / "servers.use")
        self._change = FileLock(home.state / "servers.change")
        with self._change:
            self.secrets = keys.load(home.state / "secrets.json")
        packages = packages_folder(home.clone)
        self.postgres = Postgres(home=home, packages=packages, home_id=self.secrets["HOME_ID"], careless=careless)
        self.valkey = Valkey(home=home, packages=packages, careless=careless)
        self.members: list[Postgres | Valkey] = []
        if not outside.get("DATABASE_URL"):
            self.members.append(self.postgres)
        if not (outside.get("REDIS_URL") and outside.get("CELERY_BROKER_URL")):
            self.members.append(self.valkey)

    def acquire(self) -> None:
        """Have them started and keep them until `release`. Several commands may hold them at once."""
        with self._change:
            self._use.take(shared=True)
            for server in self.members:
                server.launch()

    def wait_ready(self, voice: Voice) -> None:
        """Until they answer. Raises Refusal."""
        with self._change:
            for server in self.members:
                with voice.step(server.name):
                    server.wait_ready()

    def release(self) -> bool:
        """Let go; the last one stops them. False: another command still uses them."""
        with self._change:
            self._use.release()
            alone = self._use.take(wait=False)
            if alone:
                for server in reversed(self.members):
                    server.stop()
            self._use.release()
        return alone

    def revive(self) -> list[str]:
        """Start again what died; the names of those."""
        dead = [server for server in self.members if not server.alive()]
        for server in dead:
            with self._change:
                server.launch()
                server.wait_ready()
        return [server.name for server in dead]

    def drop(self) -> None:
        """Stop the embedded ones and remove their data. Raises Refusal while another command uses them."""
        if not self.release():
            raise Refusal("Another Siyu command still uses the servers. Let it end first.")
        for server in self.members:
            server.drop()

    def database_identity(self) -> str:
        """Changes when the database is another one, so that what was prepared for the old one is done again."""
        outside = self.outside.get("DATABASE_URL")
        return hashlib.sha256(outside.encode()).hexdigest() if outside else self.postgres.identity()

    @contextmanager
    def started(self) -> Iterator[None]:
        """Started, not yet answering: what needs seconds to load may do so meanwhile."""
        try:
            self.acquire()
            yield
        finally:
            self.release()

    @contextmanager
    def running(self, voice: Voice) -> Iterator[None]:
        with self.started():
            self.wait_ready(voice)
            yield

    def environment(self) -> dict[str, str]:
        """What every child sees. Names set outside win."""
        made = {
            "SIYU_HOME": str(self.home.state),
            "DATABASE_URL": self.postgres.url(role=APPLICATION),
            "DATABASE_OWNER_URL": self.outside.get("DATABASE_URL") or self.postgres.url(role=OWNER),
            "REDIS_URL": self.valkey.url(database=1),
            "CHANNELS_REDIS_URL": self.outside.get("REDIS_URL") or self.valkey.url(database=3),
            "CELERY_BROKER_URL": self.valkey.url(database=0, scheme="redis+socket"),
            "PYTHONUNBUFFERED": "1",
        } | {name: self.secrets[name] for name in keys.NAMES}
        given = {name: value for name, value in self.outside.items() if name not in STRANGE}
        merged = given | made | {name: given[name] for name in made if given.get(name)}
        if not merged.get("DJANGO_SETTINGS_MODULE", "").startswith("config.settings."):
            merged["DJANGO_SETTINGS_MODULE"] = "config.settings.dev"
        merged["SIYU_HOME"] = str(self.home.state)
        merged["PATH"] = os.pathsep.join(
            [str(python(self.home.clone).parent), given.get("PATH", os.defpath), str(self.postgres.binaries)]
        )
        return merged


def free_port(preferred: int | None = None) -> int:
    """A loopback port that nobody listens on, the preferred one if possible."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")
