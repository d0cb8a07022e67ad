"""`check_ledgers` names each planted fault and nothing else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from apps.members.models import Member
from apps.points import checking
from apps.points import services as points
from apps.points.faults import FAULTS
from apps.points.models import Account, Award, Currency, Entry, Fault, Rule, RuleVersion
from tests.points.accounts import MONDAY, earn, hold, join, part, spend

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(member: Member, friend: Member, third: Member) -> Account:
    """Every kind of line once, by the ordinary doors. Answers the first member's account."""
    Currency.objects.filter(key="points").update(transfer={"fee_percent": 10})
    soon, later = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)
    earn(member, 100, "order:1")
    earn(member, 20, "soon", terms=points.Terms(expires_at=soon))
    earn(member, 9, "lapses", terms=points.Terms(is_pending=True, lapse_at=soon))
    earn(member, 50, "waits", terms=points.Terms(is_pending=True))
    earn(member, 7, "due", terms=points.Terms(is_pending=True, due_at=soon))
    points.settle_all(moment=later)
    bought = earn(member, 40, "order:2", moment=later)
    rule = Rule.objects.create(
        key="r", name="r", name_en="r", currency=Currency.objects.get(key="points"), trigger="order"
    )
    version = RuleVersion.objects.create(rule=rule, number=1, definition={})
    Award.objects.create(
        account_id=Entry.objects.get(pk=bought.entry_id).account_id, entry_id=bought.entry_id, rule=rule, version=version,
        points=40, on=MONDAY.date(),
    )  # fmt: skip
    gift = spend(member, 30, "gift:1", moment=later)
    points.give_back(entry_id=gift.entry_id, amount=10, source="gift:1:back", moment=later)
    points.reverse(entry_id=bought.entry_id, amount=15, source="refund:2", moment=later)
    captured = hold(member, 20, "basket:1", moment=later)
    points.capture(entry_id=captured.entry_id, amount=12, source="order:3", moment=later)
    gone = hold(member, 5, "basket:2", moment=later)
    points.let_go(entry_id=gone.entry_id, source="basket:2:off", moment=later)
    hold(member, 6, "basket:3", moment=later)
    points.adjust(member_id=member.pk, amount=-3, source="hand:1", by=points.By(note="wrong"), moment=later)
    points.transfer(from_id=member.pk, to_id=friend.pk, amount=10, source="t:1", moment=later)
    owed = earn(third, 30, "order:1")
    spend(third, 30, "gift:1")
    points.reverse(entry_id=owed.entry_id, amount=30, source="refund:1", moment=MONDAY)
    join(third, friend)
    join(friend, member, "merge:2")
    part(friend, member, "merge:2")
    return Account.objects.get(member=member, currency__key="points")


@pytest.fixture
def plant(owner_cursor: psycopg.Cursor) -> Iterator[psycopg.Cursor]:
    """Writes past triggers and constraints, as somebody with the owner's password could."""
    tables = ("points_account", "points_entry", "points_lot", "points_use", "points_hold", "points_award")
    constraints = owner_cursor.execute(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where contype in ('c', 'u') and conrelid::regclass::text = any(%s)", [list(tables)],
    ).fetchall()  # fmt: skip
    for table, name, _ in constraints:
        owner_cursor.execute(f"alter table {table} drop constraint {name}")
    for table in tables:
        owner_cursor.execute(f"alter table {table} disable trigger user")
    yield owner_cursor
    for table in tables:
        owner_cursor.execute(f"delete from points_fault; truncate {table} cascade")
        owner_cursor.execute(f"alter table {table} enable trigger user")
    for table, name, definition in constraints:
        owner_cursor.execute(f"alter table {table} add constraint {name} {definition}")


def named() -> set[str]:
    return {fault.kind for fault in checking.found(checking.check())}


def test_books_that_only_the_doors_wrote_have_no_faults(books: Account):
    run = checking.check()

    assert (run.faults, run.accounts) == (0, Account.objects.count())
    assert run.entries == Entry.objects.count() > 25
    assert run.finished_at is not None


LINE = "(select min(id) from points_entry where account_id = {a} and source = '{s}')"
PLANTED = {
    "balance": "update points_account set balance = balance + 1 where id = {a}",
    "pending": "update points_account set pending = pending + 1 where id = {a}",
    "held": "update points_account set held = held + 1 where id = {a}",
    "debt": "update points_account set debt = debt + 1 where id = {a}",
    "earned_total": "update points_account set earned_total = earned_total - 1 where id = {a}",
    "debt_beside_balance": "update points_account set debt = 5 where id = {a}",
    "below_zero": "update points_entry set balance_after = -1 where account_id = {a} and source = 'gift:1'",
    "chain": "update points_entry set amount = amount - 1 where account_id = {a} and source = 'gift:1'",
    "source_twice": "update points_entry set source = 'order:1' where account_id = {a} and source = 'order:2'",
    "lots_of_balance": "update points_lot set remaining = remaining - 1 where entry_id = " + LINE.replace("{s}", "order:1"),
    "lots_of_pending": "update points_lot set remaining = remaining - 1 where entry_id = " + LINE.replace("{s}", "waits"),
    "lot_left": "update points_use set amount = amount + 1 where entry_id = " + LINE.replace("{s}", "gift:1"),
    "lot_overdrawn": "update points_lot set remaining = amount + 1 where entry_id = " + LINE.replace("{s}", "order:1"),
    "lot_expired": "update points_lot set expired = 21 where entry_id = " + LINE.replace("{s}", "soon"),
    "lot_reversed": "update points_lot set reversed = 0 where entry_id = " + LINE.replace("{s}", "order:2"),
    "lot_forgiven": "update points_lot set forgiven = 1 where entry_id = " + LINE.replace("{s}", "order:1"),
    "lot_spent_while_waiting": "update points_lot set activated_at = null where entry_id = " + LINE.replace("{s}", "order:1"),
    "lot_elsewhere": "update points_lot set account_id = (select max(id) from points_account) where entry_id = "
    + LINE.replace("{s}", "order:1"),
    "grant_without_lot": "delete from points_lot where entry_id = " + LINE.replace("{s}", "waits"),
    "grant_split": "update points_entry set granted = granted + 1 where id = " + LINE.replace("{s}", "order:1"),
    "take_uses": "delete from points_use where entry_id = " + LINE.replace("{s}", "gift:1"),
    "lapse_uses": "delete from points_use where kind = 'lapse'",
    "return_uses": "delete from points_use where entry_id = " + LINE.replace("{s}", "gift:1:back"),
    "expired_and_spent": "update points_use set kind = 'spend' where kind = 'expire'",
    "reversed_too_much": "update points_entry set undone = 41 where source = 'refund:2'",
    "returned_too_much": "update points_entry set undone = 31 where source = 'gift:1:back'",
    "undone_for_nothing": "update points_entry set reverses_id = " + LINE.replace("{s}", "refund:2") + " where source = 'gift:1:back'",
    "hold_missing": "delete from points_hold where entry_id = " + LINE.replace("{s}", "basket:3"),
    "holds_open": "update points_hold set state = 'held' where entry_id = " + LINE.replace("{s}", "basket:2"),
    "hold_reopened": "update points_hold set state = 'held' where entry_id = " + LINE.replace("{s}", "basket:1"),
    "hold_unsettled": "update points_hold set state = 'expired' where entry_id = " + LINE.replace("{s}", "basket:3"),
    "hold_captured": "update points_hold set captured = 13 where entry_id = " + LINE.replace("{s}", "basket:1"),
    "due_missed": "update points_account set next_due_at = null where id = {a}",
    "joined_not_empty": "update points_account set pending = 1 where joined_into_id is not null",
    "gift_arrived": "update points_entry set granted = 12 where kind = 'transfer_in'",
    "gift_from_nowhere": "update points_entry set source = 'transfer:1' where kind = 'transfer_in'",
    "merge_lost": "update points_entry set debt = debt - 1 where kind = 'merge_in' and source = 'merge:1'",
    "awards": "update points_award set points = 99",
}  # fmt: skip


def test_every_fault_that_is_looked_for_is_planted():
    assert set(PLANTED) == set(FAULTS)


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found_by_its_name(books: Account, plant: psycopg.Cursor, kind: str):
    assert named() == set()
    plant.execute(PLANTED[kind].replace("{a}", str(books.pk)))
    assert kind in named()


def test_the_command_answers_with_the_faults_and_fails(books: Account, owner_cursor: psycopg.Cursor):
    out = StringIO()
    call_command("check_ledgers", "--json", stdout=out)
    assert json.loads(out.getvalue())["faults"] == 0

    owner_cursor.execute("update points_account set earned_total = earned_total + 5 where id = %s", [books.pk])
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("check_ledgers", "--json", stdout=out)

    assert end.value.code == 1
    answer = json.loads(out.getvalue())
    assert (answer["faults"], [fault["kind"] for fault in answer["found"]]) == (1, ["earned_total"])
    assert answer["found"][0]["account"] == books.pk
    assert answer["found"][0]["found"] - answer["found"][0]["expected"] == 5
    assert Fault.objects.get(check_run_id=answer["check"]).kind == "earned_total"
