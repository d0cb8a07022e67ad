"""The embedded servers: shared, attached to when left behind, started again when killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import psycopg
import pytest
import redis

from apps.core.embedded import places, processes, start
from apps.core.embedded.postgres import APPLICATION, OWNER, SUPERUSER, Postgres
from apps.core.embedded.say import Refusal, Voice
from apps.core.embedded.servers import Servers

SILENT = Voice(sys.stderr, quiet=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[places.Home]:
    home = places.locate(state=tmp_path_factory.mktemp("会员 home") / "state")
    home.create()
    yield home
    servers = Servers(home=home, outside={}, careless=True)
    servers.drop()
    shutil.rmtree(home.short)


@pytest.fixture
def servers(home: places.Home) -> Iterator[Servers]:
    servers = Servers(home=home, outside={}, careless=True)
    with servers.running(SILENT):
        yield servers


def postmaster(servers: Servers) -> int:
    return int((servers.postgres.data / "postmaster.pid").read_text().split()[0])


def ask(servers: Servers, sql: str, role: str = OWNER) -> list[tuple]:
    with psycopg.connect(servers.postgres.url(role=role), autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def test_links_in_messages_lead_to_the_address_that_is_served_unless_another_is_set(home: places.Home):
    for outside, address in (
        ({}, "http://127.0.0.1:8123"),
        ({"PUBLIC_URL": "https://siyu.example.com"}, "https://siyu.example.com"),
    ):
        seen = start.seen_by_children(Servers(home=home, outside=outside, careless=True), port=8123, simulator_port=1)
        assert seen["PUBLIC_URL"] == address


def test_a_user_without_a_name_is_told_what_to_do_and_nothing_is_made(home, monkeypatch):
    def nobody_s(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    postgres = Postgres(home=home.nested("nameless"), packages=home.clone, home_id="nameless")
    monkeypatch.setattr("pwd.getpwuid", nobody_s)

    with pytest.raises(Refusal, match=r"/etc/passwd"):
        postgres.launch()
    assert not postgres.sockets.parent.exists()


def test_the_application_may_work_on_the_owners_tables_but_not_change_them(servers):
    ask(servers, "CREATE TABLE IF NOT EXISTS shelf (id bigint GENERATED ALWAYS AS IDENTITY, name text)")

    ask(servers, "INSERT INTO shelf (name) VALUES ('tea')", APPLICATION)

    assert ask(servers, "SELECT name FROM shelf", APPLICATION) == [("tea",)]
    for refused in ("TRUNCATE shelf", "DROP TABLE shelf", "CREATE TABLE mine (id int)", "ALTER TABLE shelf ADD x int"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(servers, refused, APPLICATION)
    assert ask(servers, "SELECT name FROM shelf") == [("tea",)]


def test_the_cluster_listens_on_no_network_sorts_by_utf8_and_checks_its_pages(servers):
    shown = {name: ask(servers, f"SHOW {name}", SUPERUSER)[0][0] for name in ("listen_addresses", "data_checksums")}

    assert shown == {"listen_addresses": "", "data_checksums": "on"}
    assert ask(servers, "SELECT show_trgm('会员') <> '{}'") == [(True,)]
    assert ask(servers, "SELECT datcollate FROM pg_database WHERE datname = 'siyu'") == [("C.UTF-8",)]


def test_databases_made_later_have_the_same_extensions_and_grants(servers):
    ask(servers, "DROP DATABASE IF EXISTS later")
    ask(servers, "CREATE DATABASE later")
    with psycopg.connect(servers.postgres.url(role=OWNER, database="later")) as connection:
        connection.execute("CREATE TABLE shelf (id int)")

    with psycopg.connect(servers.postgres.url(role=APPLICATION, database="later")) as connection:
        assert connection.execute("SELECT count(*) FROM shelf").fetchall() == [(0,)]
        assert connection.execute("SELECT similarity('abc', 'abd') > 0").fetchall() == [(True,)]


def test_the_last_of_two_commands_stops_them(servers, home):
    first, second = postmaster(servers), Servers(home=home, outside={}, careless=True)

    second.acquire()
    assert postmaster(second) == first
    assert second.release() is False
    assert ask(servers, "SELECT 1") == [(1,)]

    assert servers.release() is True
    assert not servers.postgres.alive()
    assert not servers.valkey.alive()


def test_a_living_server_of_a_killed_command_is_taken_over(home):
    script = """
import sys, time
from pathlib import Path
from apps.core.embedded import places
from apps.core.embedded.say import Voice
from apps.core.embedded.servers import Servers
home = places.locate(state=Path(sys.argv[1]))
Servers(home=home, outside={}, careless=True).acquire()
print("up", flush=True)
time.sleep(600)
"""
    command = [sys.executable, "-c", script, str(home.state)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=places.CLONE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    holder.kill()
    holder.wait()

    servers = Servers(home=home, outside={}, careless=True)
    left_behind = postmaster(servers)
    with servers.running(SILENT):
        assert postmaster(servers) == left_behind
        assert ask(servers, "SELECT 1") == [(1,)]

    assert processes.wait_gone(left_behind, seconds=5)


def test_killed_servers_are_revived_with_what_was_committed(home):
    servers = Servers(home=home, outside={})
    with servers.running(SILENT):
        kill_and_revive(servers)


def kill_and_revive(servers: Servers) -> None:
    ask(servers, "CREATE TABLE IF NOT EXISTS kept (n int)")
    ask(servers, "INSERT INTO kept VALUES (7)")
    busy = psycopg.connect(servers.postgres.url(role=OWNER))
    busy.execute("INSERT INTO kept VALUES (8)")
    with redis.Redis(unix_socket_path=str(servers.valkey.socket)) as client:
        killed = [postmaster(servers), client.info("server")["process_id"]]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
        assert processes.wait_gone(pid, seconds=5)

    revived = set(servers.revive())
    for _ in range(10):  # a socket may answer a moment longer than its process lives
        revived |= set(servers.revive())
    assert revived == {"PostgreSQL", "Valkey"}

    busy.close()
    assert ask(servers, "SELECT n FROM kept") == [(7,)]
    with redis.Redis(unix_socket_path=str(servers.valkey.socket)) as client:
        assert client.ping() is True
    assert servers.revive() == []


@pytest.mark.parametrize("beside", ["the data", "the socket"])
def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(home, beside):
    servers = Servers(home=home, outside={}, careless=True)
    pid_file = {
        "the data": servers.postgres.data / "postmaster.pid",
        "the socket": servers.postgres.sockets / ".s.PGSQL.5432.lock",
    }[beside]
    with servers.running(SILENT):
        whole = pid_file.read_text()
    stranger = subprocess.Popen(["sleep", "600"], user="nobody" if os.geteuid() == 0 else None)
    pid_file.write_text(whole.replace(whole.split("\n")[0], str(stranger.pid), 1))

    with servers.running(SILENT):
        assert ask(servers, "SELECT 1") == [(1,)]

    assert stranger.poll() is None
    stranger.kill()


def test_a_backend_that_outlives_its_killed_server_does_not_stop_the_next_start(home):
    servers = Servers(home=home, outside={}, careless=True)
    with servers.running(SILENT):
        busy = psycopg.connect(servers.postgres.url(role=OWNER))
        backend = busy.info.backend_pid
        busy.pgconn.send_query(b"SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) counting")
        server = postmaster(servers)
        os.kill(server, signal.SIGKILL)
        assert processes.wait_gone(server, seconds=5)
        assert processes.alive(backend)

        assert servers.revive() == ["PostgreSQL"]

        assert not processes.alive(backend)
        busy.close()


def test_a_valkey_that_answers_no_more_is_replaced_and_does_not_live_on_beside_the_next(servers, home):
    (silent,) = processes.running_in(servers.valkey.data)
    os.kill(silent, signal.SIGSTOP)
    later = Servers(home=home, outside={}, careless=True)

    later.valkey.launch()
    later.valkey.wait_ready()

    assert processes.wait_gone(silent, seconds=5)
    assert len(processes.running_in(later.valkey.data)) == 1


def test_what_a_shell_says_to_python_does_not_reach_its_children(home):
    """A child that keeps no compiled modules would compile the house anew at each start."""
    strange = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/elsewhere", "LANG": "C.UTF-8"}

    seen = Servers(home=home, outside=strange, careless=True).environment()

    assert strange.keys() & seen.keys() == {"LANG"}


def test_data_in_use_is_not_dropped(servers, home):
    with pytest.raises(Refusal, match="still uses the servers"):
        Servers(home=home, outside={}, careless=True).drop()

    assert ask(servers, "SELECT 1") == [(1,)]


def test_outside_servers_are_used_and_none_is_started(home):
    given = {"DATABASE_URL": "postgresql://a@db/b", "REDIS_URL": "redis://r/1", "CELERY_BROKER_URL": "redis://r/0"}

    servers = Servers(home=home, outside=given)

    assert servers.members == []
    made = servers.environment()
    assert {name: made[name] for name in given} == given
    assert made["DATABASE_OWNER_URL"] == "postgresql://a@db/b"
    assert made["CHANNELS_REDIS_URL"] == "redis://r/1"


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_starts_them_in_place_too():
    script = """
import os, shutil, sys
from pathlib import Path
from apps.core.embedded import places
from apps.core.embedded.say import Voice
from apps.core.embedded.servers import Servers
home = places.locate(state=Path(sys.argv[1]) / "state")
home.create()
servers = Servers(home=home, outside={}, careless=True)
with servers.running(Voice(sys.stderr, quiet=True)):
    print(servers.postgres.data.is_relative_to(home.state), servers.postgres.data.stat().st_uid, servers.valkey.alive())
servers.drop()
shutil.rmtree(home.short)
"""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are root's alone
        os.chown(folder, 1, 1)
        done = subprocess.run(
            ["setpriv", "--reuid", "1", "--regid", "1", "--clear-groups", sys.executable, "-c", script, folder],
            cwd=places.CLONE, env={"PATH": os.defpath}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert done.stdout.split() == ["True", "1", "True"], done.stderr
