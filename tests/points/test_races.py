"""Many at once: nothing is lost, doubled or overdrawn. Long forms run every night, the full scale is `bin/manage prove_value`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.core import clock
from apps.members.models import Member
from apps.points import checking, proving, tasks
from apps.points import services as points
from apps.points.errors import NotEnoughPoints
from apps.points.models import Account, Currency, Entry, Hold
from tests.points.accounts import MONDAY, earn, hold, totals

pytestmark = pytest.mark.django_db(transaction=True)
ZEROS = {"faults": 0, "below_zero": 0, "lost": 0, "twice": 0, "not_refused": 0}


def members(count: int) -> list[int]:
    Currency.objects.filter(key="points").update(transfer={"fee_percent": 5})
    made = Member.objects.bulk_create(Member(member_no=f"R-{uuid4().hex[:20]}") for _ in range(count))
    return [member.pk for member in made]


def meet(**race: int | float) -> list[proving.Writer]:
    writers = proving.race(members=members(int(race.pop("members"))), **race)  # type: ignore[arg-type]
    assert proving.count([told for writer in writers for told in writer.told]) == ZEROS
    assert sum(writer.doubled for writer in writers) == 0
    return writers


def test_two_hot_accounts_bear_eight_writers():
    writers = meet(members=2, writers=8, calls=40)

    done = [told.name for writer in writers for told in writer.told if told.outcome == "done"]
    assert set(done) >= {"earn", "spend", "hold", "reverse", "transfer", "give_back"}
    assert len(done) > 150


def test_many_accounts_some_busier_bear_eight_writers():
    meet(members=50, writers=8, calls=40, skew=1.0)


@pytest.mark.nightly
def test_sixteen_writers_for_twenty_seconds_on_a_hot_and_on_many_accounts():
    meet(members=2, writers=16, seconds=20)
    members_of_both = 200
    meet(members=members_of_both, writers=16, seconds=20, skew=1.0, first=101)


def test_fifty_copies_of_one_grant_have_one_effect(member: Member):
    assert proving.copies(member_id=member.pk, keys=6, at_once=50) == {"keys_not_once": 0}
    assert totals(member) == (6, 0, 0, 0)


@pytest.mark.parametrize("midnight", ["2026-12-01T00:00", "2028-02-29T00:00", "2028-03-01T00:00", "2027-01-01T00:00"])
def test_at_midnight_of_the_shop_points_are_spent_or_run_out_never_both(midnight: str):
    end = clock.parse(midnight)
    outcomes = proving.midnights(members=members(10), day_end=end)

    assert {late for _, late in outcomes} == {False}
    for member_id, (early, _) in zip(Member.objects.order_by("pk").values_list("pk", flat=True), outcomes, strict=True):
        kinds = set(Entry.objects.filter(account__member_id=member_id).values_list("kind", flat=True))
        assert kinds == {"earn", "spend"} if early else {"earn", "expire"}
    assert checking.check().faults == 0


def test_holds_of_clients_that_never_come_back_are_released(member: Member, clock: Callable[[datetime], datetime]):
    earn(member, 100, "order:1")
    for number in range(10):
        hold(member, 10, f"basket:{number}")
    clock(MONDAY + points.HOLD_FOR)

    tasks.release_holds()

    assert set(Hold.objects.values_list("state", flat=True)) == {"expired"}
    assert totals(member) == (100, 0, 0, 0)


GUARD = "a.balance < p_amount"


OVERDRAFT = ("points_balance_not_negative", "points_never_below_zero")


@contextmanager
def without(cursor: psycopg.Cursor, *checks: str) -> Iterator[None]:
    """The books without these CHECKs, which come back whatever happens."""
    kept = cursor.execute(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint where conname = any(%s)",
        [list(checks)],
    ).fetchall()
    assert len(kept) == len(checks)
    for table, name, _text in kept:
        cursor.execute(f"alter table {table} drop constraint {name}")
    try:
        yield
    finally:
        for table, name, text in kept:
            cursor.execute(f"alter table {table} add constraint {name} {text}")


def test_without_the_check_the_service_alone_lets_nobody_overdraw(member: Member, owner_cursor: psycopg.Cursor):
    earn(member, 100, "order:1")
    gate = Barrier(8)

    def take(number: int) -> str:
        try:
            gate.wait(20)
            points.spend(member_id=member.pk, amount=30, source=f"basket:{number}", moment=MONDAY)
            return "done"
        except NotEnoughPoints:
            return "short"
        finally:
            connection.close()

    with without(owner_cursor, *OVERDRAFT), proving.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(8)))

    assert sorted(outcomes) == ["done"] * 3 + ["short"] * 5
    assert totals(member) == (10, 0, 0, 0)
    assert min(Entry.objects.values_list("balance_after", flat=True)) == 10
    assert checking.check().faults == 0


def test_without_the_service_s_look_the_checks_refuse_an_overdraft(member: Member, owner_cursor: psycopg.Cursor):
    earn(member, 100, "order:1")
    body = owner_cursor.execute("select pg_get_functiondef(oid) from pg_proc where proname = 'points_take'").fetchone()[
        0
    ]  # type: ignore[index]
    assert body.count(GUARD) == 1
    currency = Currency.objects.get(key="points").pk
    owner_cursor.execute("begin")
    try:
        owner_cursor.execute(body.replace(GUARD, "false").replace("points_use_lots(", "coalesce("))
        with pytest.raises(psycopg.errors.CheckViolation, match="points_never_below_zero"):
            owner_cursor.execute(
                "select points_take(%s, %s, 130, 'x', 'spend', %s, null, null, null, '')", [member.pk, currency, MONDAY]
            )
    finally:
        owner_cursor.execute("rollback")
    with pytest.raises(IntegrityError, match="points_balance_not_negative"):
        Account.objects.filter(member=member).update(balance=-1)
    assert totals(member) == (100, 0, 0, 0)


def test_either_the_right_or_the_trigger_alone_keeps_every_append_only_table(owner_cursor: psycopg.Cursor):
    """T-R8 for all of them: the application has no right to change them, and with the right the trigger is left."""
    tables = [
        name for (name,) in owner_cursor.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname like '%append_only' order by 1"
        ).fetchall()
    ]  # fmt: skip
    assert {"points_entry", "points_use", "points_award", "core_auditentry", "coupons_entry"} <= set(tables)
    for table in tables:
        for verb in ("update", "delete", "truncate"):
            found = owner_cursor.execute("select has_table_privilege('siyu_app', %s, %s)", [table, verb]).fetchone()
            assert found == (False,), f"{verb} on {table}"
    owner_cursor.execute("grant update, delete on points_entry to siyu_app")
    try:
        earn(Member.objects.create(member_no="R-8"), 5, "order:1")
        for statement in ("update points_entry set note = 'x'", "delete from points_entry"):
            with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
                connection.cursor().execute(statement)
    finally:
        owner_cursor.execute("revoke update, delete on points_entry from siyu_app")


@pytest.mark.parametrize("table", ["points_entry", "points_use", "points_award"])
@pytest.mark.parametrize("change", ["update {} set id = id", "delete from {}", "truncate {} cascade"])
def test_the_application_cannot_rewrite_the_books(table: str, change: str):
    with pytest.raises(ProgrammingError, match=r"permission denied|append-only"), transaction.atomic():
        connection.cursor().execute(change.format(table))


def test_what_the_owner_rewrites_past_the_triggers_is_found(member: Member, owner_cursor: psycopg.Cursor):
    bought = earn(member, 100, "order:1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner_cursor.execute("update points_entry set amount = 900, granted = 900 where id = %s", [bought.entry_id])
    owner_cursor.execute("alter table points_entry disable trigger user")
    owner_cursor.execute("update points_entry set amount = 900, granted = 900 where id = %s", [bought.entry_id])
    owner_cursor.execute("alter table points_entry enable trigger user")

    kinds = {(fault.kind, fault.row) for fault in checking.found(checking.check())}
    assert ("chain", bought.entry_id) in kinds
    assert ("grant_without_lot", bought.entry_id) in kinds


def test_a_merge_and_what_is_booked_for_the_joined_record_meet_without_loss(member: Member, friend: Member):
    earn(member, 5, "order:0")

    def book(number: int) -> None:
        try:
            if number == 5:
                points.join(from_id=member.pk, to_id=friend.pk, source="merge:1")
            points.earn(member_id=member.pk, amount=10, source=f"order:{number}", moment=MONDAY + timedelta(1))
        finally:
            connection.close()

    with proving.ThreadPoolExecutor(8) as pool:
        list(pool.map(book, range(1, 17)))

    assert (totals(member), totals(friend)) == ((0, 0, 0, 0), (165, 0, 0, 0))
    assert checking.check().faults == 0
