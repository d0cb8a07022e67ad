"""What every test may ask for: a database copy per process, Valkey databases per process, the clock, real processes."""

import gc
import os
from collections import Counter
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
from django.utils import translation

from apps.care import dispatch
from apps.core import clock as house_clock
from apps.gateways import mail, sms, sms_lines, wechat_calls, wecom_calls
from tests import databases, playing, ready
from tests.processes import LiveWorker, Simulator

VALKEY_SLOTS = 250  # of four databases each; slot 0 keeps the counter
VALKEY_DATABASES = pytest.StashKey[range]()
LONGEST = (
    "core/embedded/test_commands.py", "architecture/test_access.py", "e2e/test_console.py", "care/test_crashes.py",
    "e2e/test_portal_pages.py", "flows/test_demo.py", "e2e/test_portal.py", "api/test_contract.py", "e2e/test_style.py",
    "core/files/test_workbooks.py", "e2e/test_member_care.py", "e2e/test_account.py", "e2e/test_files.py",
    "members/test_attacks.py", "core/embedded/test_fixtures.py", "care/test_races.py", "orders/test_imports_at_work.py",
    "segments/test_against_reference.py", "activity/test_checking.py", "api/test_matrix.py", "api/test_guides.py",
    "e2e/test_counter.py", "console/test_words.py", "e2e/test_portal_points.py", "care/test_rehearsal.py", "e2e/test_journeys.py",
    "care/test_journey_crashes.py", "flows/test_coupon_stories.py", "e2e/test_o2o.py", "care/test_journey_dry_runs.py",
    "flows/test_worker.py", "e2e/test_code.py", "e2e/test_portal_budgets.py", "care/test_journey_races.py",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """This process's own cache, channel and broker databases, before collecting a test can open a connection."""
    with redis.Redis.from_url(_valkey(0)) as counter:
        first = 4 * (1 + int(counter.incr("test-slot")) % VALKEY_SLOTS)
    config.stash[VALKEY_DATABASES] = range(first, first + 3)
    cache, channels, broker = _valkey(first), _valkey(first + 1), _valkey(first + 2, broker=True)
    os.environ.update(REDIS_URL=cache, CHANNELS_REDIS_URL=channels, CELERY_BROKER_URL=broker)
    settings.REDIS_URL = settings.CACHES["default"]["LOCATION"] = cache
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"] = [channels]  # type: ignore[index]
    settings.CELERY_BROKER_URL = broker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, then other walks in a browser, then those with most tests: a long one that came last
    would keep all processes waiting.
    """
    folder, sizes = Path(__file__).parent, Counter(item.path for item in items)
    first = {folder / name: place for place, name in enumerate(LONGEST)}
    walks = {path: len(first) for path in sizes if path.parent == folder / "e2e"}
    places = dict.fromkeys(sizes, len(first) + 1) | walks | first
    items.sort(key=lambda item: (places[item.path], -sizes[item.path], item.path))


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end: the collector need not walk over all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
        ready.leave()
        connections.close_all()
        ready.drop_all()
        databases.drop(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After all fixtures, and so after the rollback."""
    try:
        return (yield)
    finally:
        ready.leave()


@pytest.fixture
def owner_cursor(django_db_setup: None) -> Iterator[psycopg.Cursor]:
    """The test database as its owner sees it, in autocommit: for what the application's role may not do."""
    with databases.owner(str(settings.DATABASES["default"]["NAME"])) as cursor:
        yield cursor


@pytest.fixture(scope="session", autouse=True)
def _own_media(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Uploaded files of this process's tests; pytest removes old ones."""
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")
    settings.ERASURES_FILE = tmp_path_factory.mktemp("erasures") / "erasures.jsonl"


@pytest.fixture(scope="session")
def _valkey_clients(pytestconfig: pytest.Config) -> list[redis.Redis]:
    """Kept open: a new one costs more than the flush."""
    return [redis.Redis.from_url(_valkey(database)) for database in pytestconfig.stash[VALKEY_DATABASES]]


@pytest.fixture(autouse=True)
def _fresh_valkey(_valkey_clients: list[redis.Redis]) -> None:
    """No test finds another one's cache entries, rate limits or wake-up calls."""
    for client in _valkey_clients:
        client.flushdb()


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """The house's own language, no platform but one that is asked for, breakers that remember nothing, no token or text that
    only another test's platform knows.
    """
    settings.SIMULATOR_URL = os.environ["SIMULATOR_URL"] = ""
    translation.deactivate()
    for line in (sms, wechat_calls, mail, *sms_lines.VENDORS.values()):
        line.breaker.succeeded()
    for vendor in sms_lines.VENDORS.values():
        vendor.approved.clear()
    wechat_calls._own_tokens.clear()
    wecom_calls.tokens.own.clear()
    wecom_calls.line.breaker.succeeded()
    wecom_calls._limits.clear()
    dispatch._registered.clear()


@pytest.fixture
def clock() -> Iterator[Callable[[datetime], datetime]]:
    """`clock(moment)` lets time stand there until the end of the test; call it again to move on."""
    with ExitStack() as until_end:
        yield lambda moment: until_end.enter_context(house_clock.frozen(moment))


@pytest.fixture
def run_flows(db: None) -> Callable[..., None]:
    """Play the worker: deliver every open fact, oldest first, also those published on the way.

    A step that fails fails the test, unless it said `run_flows(failing=True)`; each call tries a failing fact once.
    """

    return playing.deliver_all


@pytest.fixture
def live_worker(transactional_db: None, tmp_path: Path) -> Iterator[LiveWorker]:
    """A real Celery worker on this test's database and broker; `start`, `kill` (kill -9) and start again at will."""
    with LiveWorker(log=tmp_path / "worker.log") as worker:
        yield worker


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(log=tmp_path_factory.mktemp("simulator") / "simulator.log") as one:
        yield one


@pytest.fixture
def simulator(_fresh_process: None, _simulator: Simulator, tmp_path: Path) -> Simulator:
    """The strict simulator of the SMS platform as a process of its own, knowing nothing yet; `.url` is its address."""
    _simulator.renew(tmp_path / "simulator")
    settings.SIMULATOR_URL = os.environ["SIMULATOR_URL"] = _simulator.url
    return _simulator


def _valkey(database: int, *, broker: bool = False) -> str:
    url = os.environ["TEST_VALKEY"]
    if broker:
        return f"{url.replace('unix://', 'redis+socket://')}?virtual_host={database}"
    return f"{url}?db={database}"
