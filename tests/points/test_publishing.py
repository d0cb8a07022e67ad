"""A rule that can give more than its author may alone takes two people, whatever the door (T-S14)."""

import pytest
from django.db import IntegrityError, transaction

from apps.core import approvals, brand
from apps.core.errors import Forbidden
from apps.core.models import Approval, AuditEntry, User
from apps.points import publishing, rules
from apps.points.models import Rule, RuleVersion
from apps.stores.models import Role, Staff

AMOUNT = {"give": {"kind": "per_amount", "points": 1, "per_cents": 100}}


def fixed(points: int) -> dict[str, object]:
    return {"give": {"kind": "fixed", "points": points}}


def person(role: str, name: str) -> User:
    user = User.objects.create_user(username=name, password=None)
    Staff.objects.create(user=user, code=name, name="何青", role=role)
    return user


def drafted(draft: object, key: str = "gift") -> Rule:
    return rules.create(key=key, name="礼", name_en="Gift", currency="points", trigger="order", draft=draft)


@pytest.mark.parametrize(
    ("more", "most"),
    [
        (fixed(5), 5),
        (AMOUNT, None),
        (AMOUNT | {"caps": [{"per": "year", "points": 70, "then": "cap"}, {"per": "day", "points": 90, "then": "cap"}]}, 70),
        ({"give": {"kind": "multiplier", "factor": "2"}}, None),
        ({"give": {"kind": "streak", "points": 5, "steps": [{"day": 7, "points": 20}, {"day": 7, "points": 30}]}}, 50),
        ({"give": {"kind": "streak", "points": 5}}, 5),
    ],
)  # fmt: skip
def test_the_most_that_a_rule_gives_one_member_for_one_thing(more, most):
    assert publishing.most_at_once(more) == most


@pytest.mark.django_db
def test_up_to_the_limit_of_the_role_its_author_publishes_alone_and_above_it_nothing_counts_before_another_agrees():
    marketer, admin = person(Role.MARKETER, "lin"), person(Role.ADMIN, "he")
    rule = drafted(fixed(200))
    assert publishing.publish(rule_id=rule.pk, by=marketer).version is not None
    rules.save_draft(rule_id=rule.pk, draft=fixed(201))

    asked = publishing.publish(rule_id=rule.pk, by=marketer, reason="店庆")
    again = publishing.publish(rule_id=rule.pk, by=marketer, reason="店庆")

    assert asked.approval_id == again.approval_id is not None
    assert RuleVersion.objects.count() == 1
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.approval_id, user_id=marketer.pk, is_agreed=True)
    assert RuleVersion.objects.count() == 1
    approvals.decide(approval_id=asked.approval_id, user_id=admin.pk, is_agreed=True)
    version = RuleVersion.objects.order_by("number").last()
    assert version is not None
    assert (version.number, version.by, version.agreed_by, version.most, version.allowed) == (
        2,
        marketer,
        admin,
        201,
        200,
    )
    rule.refresh_from_db()
    assert (rule.current, rule.draft, rule.is_active) == (version, None, True)
    assert AuditEntry.objects.filter(action="points.rule_published").count() == 2


@pytest.mark.django_db
def test_a_draft_that_changed_is_another_question_and_an_agreement_that_comes_too_late_changes_nothing():
    marketer, admin = person(Role.MARKETER, "lin"), person(Role.ADMIN, "he")
    rule = drafted(fixed(300))
    first = publishing.publish(rule_id=rule.pk, by=marketer).approval_id
    rules.save_draft(rule_id=rule.pk, draft=fixed(400))
    second = publishing.publish(rule_id=rule.pk, by=marketer).approval_id
    assert first is not None
    assert second is not None
    assert first != second
    with pytest.raises(approvals.AlreadyDecided):
        approvals.decide(approval_id=first, user_id=admin.pk, is_agreed=True)

    rules.save_draft(rule_id=rule.pk, draft=fixed(9))
    Approval.objects.filter(pk=second).update(params={"rule_id": rule.pk, "number": 1, "definition": fixed(400)})
    approvals.decide(approval_id=second, user_id=admin.pk, is_agreed=True)
    rule.refresh_from_db()
    assert rule.current is not None
    assert (rule.current.definition, rule.draft) == (fixed(400), fixed(9))

    rules.save_draft(rule_id=rule.pk, draft=fixed(500))
    third = publishing.publish(rule_id=rule.pk, by=marketer).approval_id
    Approval.objects.filter(pk=third).update(params={"rule_id": rule.pk, "number": 1, "definition": fixed(500)})
    with pytest.raises(publishing.RuleMovedOn):
        approvals.decide(approval_id=third or 0, user_id=admin.pk, is_agreed=True)
    assert RuleVersion.objects.count() == 1


@pytest.mark.django_db
def test_no_door_goes_past_the_second_person():
    marketer, nobody = person(Role.MARKETER, "lin"), User.objects.create_user(username="x", password=None)
    rule = drafted(AMOUNT)

    with pytest.raises(Forbidden):
        publishing.ship(rule_id=rule.pk)  # a shell that says the text came with the code
    assert (
        publishing.publish(rule_id=rule.pk, by=nobody).version is None
    )  # an account without a card has no limit at all
    asked = Approval.objects.get()
    asked.decided_by = nobody
    asked.state = Approval.State.APPROVED
    with pytest.raises(Forbidden):
        approvals.KINDS[publishing.KIND].run(asked)
    for fields in (
        {"by": marketer, "most": None, "allowed": 10**9},
        {"by": marketer, "most": 201, "allowed": 200},
        {"by": marketer, "agreed_by": marketer},
        {"agreed_by": marketer},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RuleVersion.objects.create(rule=rule, number=1, definition=AMOUNT, **fields)
    assert RuleVersion.objects.count() == 0
    assert Rule.objects.get().is_active is False


@pytest.mark.django_db
def test_the_limits_are_the_brands_and_checked():
    marketer = person(Role.MARKETER, "lin")
    brand.write(publishing.SETTING, {"marketer": 4})

    assert publishing.needs_another(definition=fixed(5), by=marketer) is True
    assert publishing.needs_another(definition=fixed(4), by=marketer) is False
    with pytest.raises(ValueError, match="whole number"):
        brand.write(publishing.SETTING, {"marketer": -1})
