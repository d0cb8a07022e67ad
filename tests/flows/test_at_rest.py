"""T-P1: no raw file of the database holds a phone number that came in: no table, index, or write-ahead log; nor does Valkey."""

import base64
import os
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from apps.core.embedded.postgres import SUPERUSER
from apps.members import selectors
from apps.members import services as members
from apps.members.models import Member

pytestmark = [pytest.mark.nightly, pytest.mark.django_db(transaction=True)]
PREFIX = "1990553"
PHONES = [f"{PREFIX}{number:04d}" for number in range(200)]
SPELLINGS = (
    PREFIX.encode(),
    PREFIX.encode().hex().encode(),
    base64.b64encode(PREFIX.encode())[:9],
    base64.b64encode(f"+86{PREFIX}".encode())[:12],
)
BESIDE = b"gartenzaun-am-see"  # a nickname stands in clear: it proves that the scan looks in the right place


def raw_files() -> list[Path]:
    """Of the embedded server that these tests run on; into a server elsewhere nobody can look."""
    socket = Path(str(conninfo_to_dict(os.environ["DATABASE_OWNER_URL"]).get("host", "")))
    marks = [*socket.parent.glob("data-*/PG_VERSION"), *Path(settings.SIYU_HOME).glob("**/postgres/PG_VERSION")]
    marks = [mark for mark in marks if (mark.parent / "postmaster.pid").exists()]  # not what an earlier clone left here
    if not marks:
        pytest.skip("the database does not lie on this machine")
    return [path for mark in marks for path in mark.parent.rglob("*") if path.is_file()]


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # recycled meanwhile
        return b""


def test_no_raw_file_holds_a_phone_number():
    rows = [(f"REST{number}", phone) for number, phone in enumerate(PHONES)]
    found, errors = members.resolve_for_import(rows, "test")
    assert (len(found), errors) == (200, {})
    Member.objects.filter(member_no="REST0").update(nickname=BESIDE.decode())
    assert selectors.find_by_phone(PHONES[7]) == found["REST7"]

    with psycopg.connect(make_conninfo(os.environ["DATABASE_OWNER_URL"], user=SUPERUSER), autocommit=True) as server:
        server.execute("CHECKPOINT")  # what was written so far may stand in memory alone

    seen, guilty = 0, []
    for path in raw_files():
        raw = content(path)
        seen += BESIDE in raw
        guilty += [(path.name, spelling) for spelling in SPELLINGS if spelling in raw]
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        memory = b"".join(key + (client.dump(key) or b"") for key in client.keys("*"))

    assert seen > 0, "not even the nickname was found: the scan looks in the wrong place"
    assert guilty == []
    assert [spelling for spelling in SPELLINGS if spelling in memory] == []
