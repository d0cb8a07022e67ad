"""What every test may ask for: a database copy per process, Valkey databases per process, the clock, real processes."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase

from apps.core import clock as house_clock
from tests import databases
from tests.processes import LiveWorker, Simulator

VALKEY_SLOTS = 250  # of four databases each; slot 0 keeps the counter


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """This process's own database, dropped at the end. Replaces pytest-django's, which would migrate each time."""
    name = f"test_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        databases.create(name)
        databases.point_at(name)
        TransactionTestCase._fixture_teardown = lambda self: databases.empty(name)  # type: ignore[attr-defined]
        yield
        TransactionTestCase._fixture_teardown = flush  # type: ignore[attr-defined]
        connections.close_all()
        databases.drop(name)


@pytest.fixture
def owner_cursor(django_db_setup: None) -> Iterator[psycopg.Cursor]:
    """The test database as its owner sees it, in autocommit: for what the application's role may not do."""
    with databases.owner(str(settings.DATABASES["default"]["NAME"])) as cursor:
        yield cursor


@pytest.fixture(scope="session")
def valkey_databases() -> dict[str, str]:
    """This process's own cache, channel and broker databases; Django's and Celery's settings point at them."""
    with redis.Redis.from_url(_valkey(0)) as counter:
        first = 4 * (1 + int(counter.incr("test-slot")) % VALKEY_SLOTS)
    urls = {
        "REDIS_URL": _valkey(first),
        "CHANNELS_REDIS_URL": _valkey(first + 1),
        "CELERY_BROKER_URL": _broker(first + 2),
    }
    os.environ.update(urls)
    settings.REDIS_URL = urls["REDIS_URL"]
    settings.CACHES["default"]["LOCATION"] = urls["REDIS_URL"]
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"] = [urls["CHANNELS_REDIS_URL"]]  # type: ignore[index]
    settings.CELERY_BROKER_URL = urls["CELERY_BROKER_URL"]
    return urls | {"first": str(first)}


@pytest.fixture(autouse=True)
def _fresh_valkey(valkey_databases: dict[str, str]) -> None:
    """No test finds another one's cache entries, rate limits or wake-up calls."""
    first = int(valkey_databases["first"])
    for database in range(first, first + 3):
        with redis.Redis.from_url(_valkey(database)) as client:
            client.flushdb()


@pytest.fixture
def clock() -> Iterator[Callable[[datetime], datetime]]:
    """`clock(moment)` lets time stand there until the end of the test; call it again to move on."""
    with ExitStack() as until_end:
        yield lambda moment: until_end.enter_context(house_clock.frozen(moment))


@pytest.fixture
def live_worker(transactional_db: None, valkey_databases: dict[str, str], tmp_path: Path) -> Iterator[LiveWorker]:
    """A real Celery worker on this test's database and broker; `start`, `kill` (kill -9) and start again at will."""
    with LiveWorker(log=tmp_path / "worker.log") as worker:
        yield worker


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """The strict simulator of the SMS platform as a process of its own; `.url` is its address."""
    with Simulator(folder=tmp_path / "simulator") as running:
        earlier, settings.SIMULATOR_URL = settings.SIMULATOR_URL, running.url
        os.environ["SIMULATOR_URL"] = running.url
        yield running
        settings.SIMULATOR_URL = os.environ["SIMULATOR_URL"] = earlier


def _valkey(database: int) -> str:
    return os.environ["TEST_VALKEY"] + f"?db={database}"


def _broker(database: int) -> str:
    return os.environ["TEST_VALKEY"].replace("unix://", "redis+socket://") + f"?virtual_host={database}"
