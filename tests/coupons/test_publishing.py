"""What a template can cost at worst, and who may cause it: one person up to a limit, above it two."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from apps.core import approvals
from apps.core.models import Approval, User
from apps.coupons import ceilings, costs, publishing, templates
from apps.coupons.models import Stock, Template, Version
from apps.stores.models import Role, Staff
from tests.coupons import making

DECEMBER = {"kind": "between", "from": "2026-12-01", "to": "2026-12-31"}
STEPS = [{"from_cents": 200, "off_cents": 20}, {"from_cents": 400, "off_cents": 50}]
PERCENT = {"kind": "percent", "off": 10}


@pytest.mark.parametrize(
    ("terms", "most", "budgets", "worst"),
    [
        (making.terms(), 100, {}, 300_000),
        (making.terms(), None, {}, None),
        (making.terms(PERCENT), 100, {}, None),
        (making.terms(PERCENT), 100, {("total", "cents"): 9_000}, 9_000),
        (making.terms(PERCENT | {"at_most_cents": 20_000}), 10, {("total", "uses"): 3}, 60_000),
        (making.terms(valid=DECEMBER), None, {("day", "uses"): 2}, 31 * 2 * 3_000),
        (making.terms(), None, {("day", "uses"): 2, ("member", "uses"): 1}, None),
        (making.terms(stores=["a", "b"]), None, {("store", "cents"): 700}, 1_400),
        (making.terms({"kind": "steps", "steps": STEPS}), 4, {}, 200),
    ],
)  # fmt: skip
def test_the_worst_case_is_stock_times_the_most_one_saves_lowered_by_budgets(terms, most, budgets, worst):
    assert costs.worst(terms, most=most, ceilings=budgets) == worst


@pytest.fixture
def people(db: None) -> dict[str, User]:
    found = {role: User.objects.create_user(username=role) for role in (Role.ADMIN, Role.MARKETER)}
    for role, user in found.items():
        Staff.objects.create(user=user, code=role, name="何青", role=role)
    return {str(role): user for role, user in found.items()}


def draft(most: int | None = 1_000, said: dict[str, Any] | None = None) -> Template:
    return templates.create(key="winter", name="冬日券", draft=said or making.terms(), most=most)


def test_up_to_the_limit_one_person_publishes_above_it_two(people: dict[str, User]):
    marketer, admin = people[Role.MARKETER], people[Role.ADMIN]
    row = draft(most=666)  # at worst ¥19,980
    version = publishing.publish(template_id=row.pk, by=marketer).version
    assert version is not None
    assert (version.worst_cents, version.allowed_cents, version.agreed_by) == (1_998_000, 2_000_000, None)

    templates.save(template_id=row.pk, draft=making.terms({"kind": "amount", "cents": 4_000}))
    asked = publishing.publish(template_id=row.pk, by=marketer, reason="双旦")
    assert publishing.publish(template_id=row.pk, by=marketer).approval_id == asked.approval_id
    assert Version.objects.count() == 1
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.approval_id, user_id=marketer.pk, is_agreed=True)

    approvals.decide(approval_id=asked.approval_id, user_id=admin.pk, is_agreed=True)
    second = Version.objects.get(number=2)
    assert (second.published_by, second.agreed_by, second.worst_cents) == (marketer, admin, 2_664_000)
    row.refresh_from_db()
    assert (row.version, row.draft) == (second, None)


def test_the_table_itself_refuses_one_name_over_the_limit(people: dict[str, User]):
    made = making.template(most=10)
    facts = {
        "template": made,
        "number": 9,
        "terms": making.terms(),
        "published_by": people[Role.MARKETER],
        "allowed_cents": 5,
    }
    for worst in (6, None):
        with pytest.raises(DatabaseError, match="coupons_version_by_two"), transaction.atomic():
            Version.objects.create(**facts, worst_cents=worst)


def test_more_stock_and_looser_budgets_of_a_running_template_take_the_same_two(people: dict[str, User]):
    marketer, admin = people[Role.MARKETER], people[Role.ADMIN]
    row = draft(most=100)
    publishing.publish(template_id=row.pk, by=marketer)

    more = publishing.set_stock(template_id=row.pk, most=1_000, low_at=50, by=marketer, reason="加量")
    assert more.approval_id is not None
    assert Stock.objects.get(pk=row.pk).most == 100
    approvals.decide(approval_id=more.approval_id, user_id=admin.pk, is_agreed=True)
    stock = Stock.objects.get(pk=row.pk)
    assert (stock.most, stock.low_at, Version.objects.count()) == (1_000, 50, 1)

    one = {("total", "cents"): 1_500_000}
    publishing.set_budgets(template_id=row.pk, wanted=one, by=marketer)  # lower than now: alone
    assert ceilings.listed(row.pk) == [["total", "cents", 1_500_000]]
    assert publishing.set_budgets(template_id=row.pk, wanted={}, by=marketer).approval_id is not None
    assert ceilings.listed(row.pk) == [["total", "cents", 1_500_000]]


def test_what_was_stopped_since_it_was_asked_is_not_published_by_an_agreement(people: dict[str, User]):
    row = draft(most=10)
    publishing.publish(template_id=row.pk, by=people[Role.MARKETER])
    templates.save(template_id=row.pk, draft=making.terms(PERCENT))
    asked = publishing.publish(template_id=row.pk, by=people[Role.MARKETER])
    templates.stop(template_id=row.pk)
    with pytest.raises(publishing.TemplateMovedOn):
        approvals.decide(approval_id=asked.approval_id, user_id=people[Role.ADMIN].pk, is_agreed=True)
    row.refresh_from_db()
    assert (row.state, Approval.objects.get().state, Version.objects.count()) == ("stopped", "waiting", 1)


def test_without_a_bound_more_stock_or_a_looser_budget_is_dearer_all_the_same(people: dict[str, User]):
    def wish(most: int | None, *budgets: list[object]) -> publishing.Wish:
        return publishing.Wish(making.terms(PERCENT), most, budgets=list(budgets))

    now, admin = wish(100, ["day", "cents", 500]), people[Role.ADMIN]
    dearer = [
        wish(101, ["day", "cents", 500]),
        wish(None, ["day", "cents", 500]),
        wish(100),
        wish(100, ["day", "cents", 501]),
    ]
    cheaper = [
        now,
        wish(99, ["day", "cents", 500]),
        wish(100, ["day", "cents", 499]),
        wish(100, *now.budgets, ["day", "uses", 3]),
    ]
    assert [publishing.needs_another(one, now=now, by=admin) for one in dearer] == [True] * 4
    assert [publishing.needs_another(one, now=now, by=admin) for one in cheaper] == [False] * 4
