"""T-P2: a phone number that came in by file is nowhere to be read: no table, log, broker message, cache, address, platform file."""

import base64
import io
import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.care import policies, services
from apps.core import clock as house_clock
from apps.core import logs
from apps.core.models import User
from apps.gateways.simulator.client import Client as Platform
from apps.members import services as members
from apps.members.models import Member
from apps.stores.models import Role, Staff
from tests.processes import Simulator

pytestmark = pytest.mark.django_db(transaction=True)

CANARIES = [f"1990551{number:04d}" for number in range(40, 60)]
BAD = "19905510"  # too short: goes to the file of rejected rows or the notices, never to a log


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    """All that the house's own handler writes meanwhile, as it writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logs.configure()
    house = logging.getLogger().handlers[0]
    handler.setFormatter(house.formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def spellings() -> list[bytes]:
    plain = [form for phone in CANARIES for form in (phone.encode(), f"+86{phone}".encode())]
    return plain + [text.hex().encode() for text in plain] + [base64.b64encode(text)[:14] for text in plain]


def found_in(content: bytes) -> set[bytes]:
    return {spelling for spelling in spellings() if spelling in content}


def whole_database() -> bytes:
    """Every row of every table as text, bytea in hex."""
    content = b""
    with connection.cursor() as cursor:
        cursor.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            with cursor.copy(f'copy "{table}" to stdout') as rows:  # type: ignore[attr-defined]
                content += b"".join(bytes(block) for block in rows)
    return content


def order_file(folder: Path) -> Path:
    paid = house_clock.local(house_clock.now() - timedelta(days=35)).isoformat(timespec="seconds")
    rows = [f"O{n},M{n},{paid},88.00,{phone}" for n, phone in enumerate([*CANARIES, BAD])]
    path = folder / "orders.csv"
    path.write_text("\n".join(["order_no,member_no,paid_at,total,phone", *rows]))
    return path


def walk_the_back_office() -> list[str]:
    """Log in, search by whole phone and tail, open the member, un-mask, page on. Returns every address that was asked for."""
    user = User.objects.create_user("agent", "long-enough-2026")
    Staff.objects.create(user=user, code="A1", name="Agent", role=Role.ADMIN)
    client = Client()
    client.post("/console/login/", {"username": "agent", "password": "long-enough-2026"})
    asked = []
    for text in (CANARIES[0], CANARIES[0][-4:], "13800", "'; drop table --"):
        for url in ("/console/members/", "/console/find/"):
            answer = client.post(url, {"q": text}, follow=True)
            assert answer.status_code == 200, (url, answer.status_code)
            asked += [url, *(address for address, _ in answer.redirect_chain)]
            assert not found_in(
                answer.content.replace(CANARIES[0].encode(), b"", 3) if text == CANARIES[0] else answer.content
            )
    for url in (
        "/console/",
        "/console/messages/",
        "/console/jobs/",
        "/console/audit/",
        "/console/orders/",
        "/console/phone/",
    ):
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert not found_in(answer.content), url
    return asked


def test_a_phone_number_is_nowhere_to_be_read(simulator: Simulator, log_text: io.StringIO, tmp_path: Path) -> None:
    call_command("import_orders", str(order_file(tmp_path)), stdout=io.StringIO(), stderr=(said := io.StringIO()))
    member_ids = list(Member.objects.values_list("pk", flat=True))
    members.grant_consents(member_ids=member_ids, purpose="care", channel="sms", source="test", text_version="1")
    policies.install_defaults()
    noon = house_clock.local(house_clock.now()).replace(hour=12, minute=0)
    with house_clock.frozen(noon):
        services.run(moment=noon)
    addresses = walk_the_back_office()
    logging.getLogger("siyu.test").warning("a careless line about %s", CANARIES[1])

    assert Platform(simulator.url).stats()["deliveries"] > 0, "nothing was sent: the test proves nothing"
    assert found_in(whole_database()) == set()
    assert found_in(log_text.getvalue().encode()) == set()
    assert "careless line about [phone]" in log_text.getvalue()
    assert found_in(said.getvalue().encode()) == set()
    assert found_in("".join(addresses).encode()) == set()
    assert found_in(b"".join(path.read_bytes() for path in simulator_files(tmp_path))) == set()
    assert found_in(valkey_content()) == set()


def simulator_files(folder: Path) -> list[Path]:
    files = [path for path in (folder / "simulator").rglob("*") if path.is_file()]
    assert files, "the simulator wrote nothing: the test looks in the wrong place"
    return files


def valkey_content() -> bytes:
    """Every key's serialised value in the cache, channel and broker databases of this test."""
    content = b""
    for name in ("REDIS_URL", "CHANNELS_REDIS_URL"):
        with redis.Redis.from_url(os.environ[name]) as client:
            content += b"".join(key + (client.dump(key) or b"") for key in client.keys("*"))
    return content


def test_the_search_for_canaries_would_find_one(tmp_path: Path) -> None:
    Member.objects.create(member_no="careless", nickname=CANARIES[3])

    assert found_in(whole_database()) == {CANARIES[3].encode()}
