"""Dry run = real run: set for set over ten days (every night thirty), and a dry run leaves no trace."""

import json
import random
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import Cursor

from apps.care import policies
from apps.care.models import Touch
from apps.gateways.simulator.client import Client
from apps.members.models import Member
from tests.care.conftest import CHINA, NOON, Shop

pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


def run_care(*words: str) -> dict:
    out = StringIO()
    call_command("run_care", "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def everything() -> dict[str, tuple[int, str]]:
    """Rows and content of every table."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"select count(*), coalesce(md5(string_agg(md5(t::text), '' order by t::text)), '') from {table} t"
            )
            found[table] = cursor.fetchone()
    return found


@pytest.mark.parametrize("days", [10, pytest.param(30, marks=pytest.mark.nightly)])
def test_a_dry_run_decides_what_the_real_run_decides_and_leaves_no_trace(
    shop: Shop, platform: Client, owner_cursor: Cursor, days: int
) -> None:
    owner_cursor.execute("select setval('members_member_id_seq', 1000)")  # members' ids decide who is held out
    dice = random.Random(30)
    start = datetime(2026, 3, 1, 8, 5, tzinfo=CHINA)
    people = [
        shop.member(
            phone=dice.random() < 0.9, nickname=dice.choice(["林溪", "周舟", ""]),
            consents=(("care", "any"),) if dice.random() < 0.8 else (),
            birthday=date(1990, dice.choice([3, 4]), dice.randint(1, 28)),
        )
        for _ in range(60)
    ]  # fmt: skip
    for member in people:
        gap = dice.choice([8, 20, 45, 100])
        for n in range(dice.randint(0, 5)):
            shop.buys(member, at=start - timedelta(days=dice.uniform(0, 5) + n * gap + dice.choice([0, 20, 60, 140])))
    policies.install_defaults(holdout_percent=30)
    shop.limits(week_cap=1)
    seen: set[tuple[str, str]] = set()
    for day in range(days):
        moment = start + timedelta(days=day, minutes=dice.randint(0, 700))
        for member in dice.sample(people, 3):
            shop.buys(member, at=moment - timedelta(hours=dice.uniform(0, 20)))
        shop.consent(dice.choice(people).pk, channel="any", given=dice.random() < 0.5)
        Member.objects.filter(pk=dice.choice(people).pk).update(status=dice.choice(["active", "frozen"]))
        before, calls = everything() if day % 7 == 2 else {}, platform.stats()

        rehearsed = run_care("--dry-run", "--as-of", moment.isoformat())

        assert not before or everything() == before
        assert platform.stats() == calls
        real = run_care("--as-of", moment.isoformat())
        assert _decisions(rehearsed) == _decisions(real)
        assert len(_decisions(real)) == len(real["touches"])
        for name in ("as_of", "planned", "held_out", "skipped"):
            assert rehearsed[name] == real[name]
        assert (rehearsed["dry_run"], rehearsed["sent"], real["dry_run"]) == (True, {}, False)
        seen |= {(touch["state"], touch["reason"]) for touch in real["touches"]}
    assert {
        ("planned", ""),
        ("held_out", ""),
        ("skipped", "late"),
        ("skipped", "no_consent"),
        ("skipped", "cap"),
    } <= seen
    assert Touch.objects.filter(state="sent").count() == platform.stats()["deliveries"] > days / 3


def _decisions(found: dict) -> set[tuple]:
    return {tuple(sorted(touch.items(), key=lambda item: item[0])) for touch in found["touches"]}


def test_the_command_speaks_to_people(shop: Shop, noon: datetime, platform: Client) -> None:
    shop.lapsing_member()
    shop.lapsing_member(consents=())
    shop.policy()
    out = StringIO()
    call_command("run_care", "--dry-run", stdout=out)
    assert len(out.getvalue().splitlines()) == 4
    assert Touch.objects.count() == 0
    call_command("run_care", "--as-of", NOON.isoformat(), stdout=out)
    assert Touch.objects.filter(state="sent").count() == 1
    with pytest.raises(CommandError):
        call_command("run_care", "--as-of", "tomorrow")


def test_the_document_of_a_round(shop: Shop, platform: Client) -> None:
    shop.lapsing_member()
    shop.lapsing_member(phone=False)
    shop.policy()
    found = run_care("--as-of", NOON.isoformat())
    touches = sorted(found.pop("touches"), key=lambda touch: touch["member_no"])
    assert found == {
        "as_of": NOON.isoformat(), "dry_run": False, "planned": 1, "held_out": 0, "skipped": {"no_address": 1},
        "sent": {"sent": 1},
    }  # fmt: skip
    assert touches == [
        {"member_no": "M1", "policy": "lapsing", "channel": "sms", "state": "planned", "reason": "",
         "send_at": "2026-03-10T04:00:00+00:00"},
        {"member_no": "M3", "policy": "lapsing", "channel": "sms", "state": "skipped", "reason": "no_address", "send_at": None},
    ]  # fmt: skip
