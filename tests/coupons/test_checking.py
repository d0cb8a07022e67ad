"""The check of the coupon books names each planted fault, and nothing in books that only the doors wrote."""

import json
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command

from apps.core import clock, jobs
from apps.coupons import batches, ceilings, checking, codes, gifts, issuing, keeping, redeeming
from apps.coupons.basket import Basket, Line, Shopper
from apps.coupons.models import Budget, Coupon, Spent, Template
from apps.coupons.redeeming import Act
from apps.members.models import Member
from tests.coupons import making
from tests.coupons.test_issuing import member

BUDGETS = {("total", "uses"): 50, ("member", "cents"): 1_000_000, ("month", "uses"): 50}


def act(who: Member, coupon_ids: list[int], source: str) -> Act:
    return Act(coupon_ids, Shopper(who.pk), Basket((Line(1, 50_000),), at=clock.now()), source)


def books() -> Template:
    """Everything that coupons go through, by the doors."""
    of = making.template(is_giftable=True, most=100, per_member=9, said=making.terms(level="item"))
    lin, mei = member(1), member(2)
    own = [
        issuing.issue(member_id=lin.pk, template_id=of.pk, source=f"s:{number}", channel="staff").coupon_id
        for number in range(8)
    ]
    redeeming.redeem(act(lin, own[:1], "before"))  # before there were budgets
    ceilings.write(template_id=of.pk, wanted=BUDGETS)
    redeeming.redeem(act(lin, own[1:2], "used"))
    redeeming.redeem(act(lin, own[2:3], "back"))
    redeeming.take_back(source="back")
    redeeming.take_back(source="before")
    redeeming.reserve(act(lin, own[3:4], "held"))
    redeeming.reserve(act(lin, own[4:5], "off"))
    redeeming.cancel(source="off")
    gifts.take(member_id=mei.pk, token=gifts.offer(member_id=lin.pk, coupon_id=own[5]))
    keeping.recall(coupon_id=own[6])
    issuing.issue_many(member_ids=[lin.pk, mei.pk], template_id=of.pk, source="all", channel="care")
    batch = batches.make(template_id=of.pk, name="flyer", pattern="TEA-####-####-###", count=3)
    assert batch.job is not None
    jobs.run(job_id=batch.job.pk)
    codes.enter(shopper=Shopper(mei.pk), text=str(Coupon.objects.filter(batch=batch).order_by("pk")[0].code))
    making.template("other", said=making.terms(minimum_cents=100))
    return of


def test_a_budget_counts_from_its_beginning_on_and_never_takes_back_what_it_did_not_count(db):
    books()
    counted = dict(Spent.objects.filter(budget__per="total").values_list("key", "amount"))
    assert counted == {"": 2}  # "used" and "held": "before" was never in it, and was not taken out of it either
    assert checking.check().faults == ()


ONE = "(select coupon_id from coupons_use where source = '{source}')"
PLANTED = {
    "stock": "update coupons_stock set issued = issued - 1 where issued > 0",
    "oversold": "update coupons_stock set most = issued - 1 where issued > 0",
    "number_twice": "update coupons_coupon set nth = 1 where nth = 2",
    "code_twice": "update coupons_coupon set code = 'TEA' where code is not null",
    "source_twice": "update coupons_coupon set source = 's:1' where source = 's:2'",
    "other_terms": "update coupons_coupon set version_id = (select max(id) from coupons_version) where source = 's:7'",
    "batch": "update coupons_batch set made = made - 1",
    "used_twice": "update coupons_use set state = 'done' where source = 'back';"
    " update coupons_use set coupon_id = " + ONE.format(source="used") + " where source = 'back'",
    "state_of_use": "update coupons_coupon set state = 'ready' where id = " + ONE.format(source="used"),
    "use_elsewhere": "update coupons_use set member_id = (select max(id) from members_member) where source = 'used'",
    "act_torn": "update coupons_use set source = 'used' where source = 'off'",
    "use_untold": "delete from coupons_entry where kind = 'returned'",
    "given": "update coupons_coupon set state = 'ready' where state = 'given'",
    "child": "update coupons_gift set child_id = null",
    "budget": "update coupons_spent set amount = amount - 1 where key = ''",
}
ALSO = {"used_twice": {"budget", "use_untold"}, "state_of_use": set(), "act_torn": set(), "use_elsewhere": {"budget"}}


@pytest.mark.django_db(transaction=True)
def test_each_planted_fault_is_found_by_its_name(owner_cursor: psycopg.Cursor):
    """Planted by the owner in a transaction of their own, past constraints and triggers, and rolled back."""
    books()
    tables = ("stock", "coupon", "batch", "use", "entry", "gift", "spent")

    def named() -> set[str]:
        return {kind for kind, said in checking.KINDS.items() if owner_cursor.execute(said.sql).fetchall()}

    with owner_cursor.connection.transaction(force_rollback=True):
        for table in (f"coupons_{name}" for name in tables):
            owner_cursor.execute(f"alter table {table} disable trigger user")
            rules = owner_cursor.execute(
                "select conname from pg_constraint where contype in ('c', 'u') and conrelid = %s::regclass", [table]
            ).fetchall()
            for (name,) in rules:
                owner_cursor.execute(f'alter table {table} drop constraint "{name}" cascade')
            owner_cursor.execute(
                "select format('drop index %%I', indexrelid::regclass::text) from pg_index"
                " where indrelid = %s::regclass and indisunique and not indisprimary", [table],
            )  # fmt: skip
            for (drop,) in owner_cursor.fetchall():
                owner_cursor.execute(drop)
        assert named() == set()
        found = {}
        for kind, sql in PLANTED.items():
            with owner_cursor.connection.transaction(force_rollback=True):
                owner_cursor.execute(sql)
                found[kind] = named()
    assert found == {kind: {kind} | ALSO.get(kind, set()) for kind in checking.KINDS}


def test_the_command_names_the_coupons_fault_and_fails(db):
    of = making.template(most=5)
    Budget.objects.create(template=of, per="total", of="uses", most=9)
    issuing.issue(member_id=member().pk, template_id=of.pk, source="a", channel="staff")
    Spent.objects.create(budget=Budget.objects.get(), key="", amount=4)
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("check_ledgers", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert (end.value.code, answer["faults"]) == (1, 0)
    assert answer["coupons"] == {
        "coupons": 1, "uses": 0, "faults": 1,
        "found": [{"kind": "budget", "template_id": of.pk, "row": Budget.objects.get().pk, "expected": "0", "found": "4"}],
    }  # fmt: skip
