"""The grammar of rules, drafts and versions, and dry runs that say what a real run does."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from apps.catalog.models import Category, Product
from apps.core import money
from apps.core.errors import NotFound, ValidationFailed
from apps.members.models import Member
from apps.points import awards, defaults, definitions, reasons, rules
from apps.points.models import Achievement, Award, Entry, Rule, RuleVersion
from apps.points.reckoning import Piece, pieces
from apps.points.rules import Basket, BasketLine
from tests.points.orders import NOON, paid, publish, rule

FIXED = {"give": {"kind": "fixed", "points": 5}}
AMOUNT = {"give": {"kind": "per_amount", "points": 1, "per_cents": 100}}


def wrong(definition: object, trigger: str = "order") -> set[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refusal:
        definitions.checked(definition, trigger=trigger)
    assert all(error["message"] for error in refusal.value.facts["errors"])  # type: ignore[attr-defined]
    return {(error["pointer"], error["code"]) for error in refusal.value.facts["errors"]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("definition", "trigger", "found"),
    [
        ([], "order", {("", "not_an_object")}),
        ({}, "order", {("/give", "required")}),
        (FIXED | {"a/b": 1}, "order", {("/a~1b", "unknown_field")}),
        ({"give": {"kind": "gift"}}, "order", {("/give/kind", "unknown_value")}),
        ({"give": {}}, "order", {("/give/kind", "required")}),
        ({"give": {"kind": "fixed", "points": 0}}, "order", {("/give/points", "out_of_bounds")}),
        ({"give": {"kind": "fixed", "points": True}}, "order", {("/give/points", "not_a_whole_number")}),
        ({"give": {"kind": "fixed", "points": 5, "per_cents": 1}}, "order", {("/give/per_cents", "unknown_field")}),
        ({"give": {"kind": "multiplier", "factor": "1.00"}}, "order", {("/give/factor", "not_a_multiplier")}),
        ({"give": {"kind": "multiplier", "factor": "x"}}, "order", {("/give/factor", "wrong_form")}),
        (FIXED | {"when": {"weekdays": [1, 8, 1]}}, "order",
         {("/when/weekdays/1", "out_of_bounds"), ("/when/weekdays/2", "repeated")}),
        (FIXED | {"when": {"tiers": []}}, "order", {("/when/tiers", "wrong_count")}),
        (FIXED | {"when": {"from": "2026-02-30"}}, "order", {("/when/from", "not_a_date")}),
        (FIXED | {"when": {"from": "2026-12-02", "to": "2026-12-01"}}, "order", {("/when/to", "ends_before_start")}),
        (FIXED | {"caps": [{"per": "fortnight", "points": 1, "then": "cap"}]}, "order", {("/caps/0/per", "unknown_value")}),
        (FIXED | {"pending": {"kind": "fact", "fact": "order.received"}}, "order", {("/pending/lapse_days", "required")}),
        (FIXED | {"expiry": {"kind": "after"}}, "order", {("/expiry", "one_of_both")}),
        (FIXED | {"expiry": {"kind": "on", "month": 2, "day": 30}}, "order", {("/expiry/day", "not_a_date")}),
        (AMOUNT, "birthday", {("/give/kind", "not_with_this_trigger")}),
        (FIXED | {"when": {"products": ["x"]}}, "review", {("/when/products", "not_with_this_trigger")}),
        (FIXED, "event", {("/event", "required")}),
        (FIXED | {"event": {"name": "x", "properties": {"a": []}}}, "event", {("/event/properties/a", "not_plain")}),
        (FIXED | {"task": {"key": "follow"}}, "order", {("/task", "not_with_this_trigger")}),
    ],
)  # fmt: skip
def test_a_definition_is_a_closed_shape_and_says_where_it_is_wrong(definition, trigger, found):
    assert wrong(definition, trigger) == found


def test_the_published_schema_is_the_one_that_is_used_and_a_foreign_validator_agrees():
    published = Path(settings.BASE_DIR) / "docs" / "points-rules.schema.json"
    assert json.loads(published.read_text()) == definitions.SCHEMA

    Draft202012Validator.check_schema(definitions.SCHEMA)
    foreign = Draft202012Validator(definitions.SCHEMA)
    assert all(foreign.is_valid(definition) for *_head, definition in defaults.RULES)
    assert not foreign.is_valid(FIXED | {"x": 1})


def test_every_reason_has_a_sentence_of_its_own():
    assert len({reasons.text(code) for code in reasons.TEXTS}) == len(reasons.TEXTS) >= 12


def test_publishing_freezes_a_version_and_an_unchanged_draft_adds_none(db):
    made = rules.create(key="a", name="a", name_en="a", currency="points", trigger="order", draft=AMOUNT)
    with pytest.raises(rules.RuleNotPublished):
        rules.resume(rule_id=made.pk)
    first = publish(made.pk)
    rules.save_draft(rule_id=made.pk, draft=AMOUNT)
    assert publish(made.pk) == first
    rules.save_draft(rule_id=made.pk, draft={"give": "?"})
    with pytest.raises(ValidationFailed):
        publish(made.pk)

    assert RuleVersion.objects.count() == 1
    assert Rule.objects.values_list("is_active", "draft").get() == (True, {"give": "?"})


def test_the_defaults_are_installed_once_and_leave_what_staff_changed(db):
    assert len(defaults.install()) == len(defaults.RULES) + len(defaults.ACHIEVEMENTS)
    rules.pause(rule_id=Rule.objects.get(key="birthday").pk)
    Achievement.objects.update(target=7)

    assert defaults.install() == []
    assert Rule.objects.get(key="birthday").is_active is False


def test_an_invented_order_is_tried_by_the_draft_and_leaves_no_trace(member: Member):
    made = rule("a-yuan")
    rules.save_draft(rule_id=made.pk, draft={"give": {"kind": "per_amount", "points": 2, "per_cents": 100}})
    paused = rule("b-gift", {"kind": "fixed", "points": 9})
    rules.pause(rule_id=paused.pk)
    Product.objects.create(sku="tea", name="茶", category=Category.objects.create(name="茶"))
    rule("c-tea", {"kind": "multiplier", "factor": "2"}, when={"categories": ["茶"]})
    basket = Basket(member_id=member.pk, lines=(BasketLine("tea", 1000), BasketLine("cup", 500)), at=NOON)

    now = rules.dry_run(basket=basket)
    drafted = rules.dry_run(basket=basket, drafts=True)

    assert [(one.rule.key, one.points, one.reason) for one in now] == [
        ("a-yuan", 15, ""), ("b-gift", 0, "rule_inactive"), ("c-tea", 10, ""),
    ]  # fmt: skip
    assert [(share.line_no, share.points, share.reason) for share in now[2].shares] == [
        (1, 10, ""),
        (2, 0, "wrong_category"),
    ]
    assert [one.points for one in drafted] == [30, 0, 20]
    assert Entry.objects.count() == Award.objects.count() == 0
    with pytest.raises(rules.NothingToTry):
        rules.dry_run()
    with pytest.raises(NotFound):
        rules.dry_run(order_id=0)


LINES = st.lists(st.integers(0, 30_000), max_size=4)
ORDERS = st.lists(
    st.tuples(LINES, st.integers(-500, 500), st.integers(0, 40), st.sampled_from(["store", "web"])),
    min_size=1,
    max_size=4,
)


@runs(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=ORDERS, cap=st.integers(1, 400), factor=st.sampled_from(["1.2", "1.5", "3"]))
def test_a_dry_run_says_what_the_real_run_gives(member: Member, orders, cap, factor):
    number = Award.objects.count() + Entry.objects.count()
    names = iter(range(10**6))
    mark = f"{Rule.objects.count()}-{number}"
    Rule.objects.update(is_active=False)
    rule(f"a-{mark}", AMOUNT["give"], caps=[{"per": "week", "points": cap, "then": "cap"}])
    rule(f"b-{mark}", {"kind": "fixed", "points": 7}, when={"channels": ["store"], "min_cents": 5000})
    rule(f"c-{mark}", {"kind": "multiplier", "factor": factor}, when={"weekdays": [1, 3, 5]})
    rule(f"d-{mark}", {"kind": "multiplier", "factor": "2"}, when={"channels": ["web"]})
    rule(f"e-{mark}", {"kind": "fixed", "points": 100}, trigger="first_order")
    for lines, more, days, channel in orders:
        total = max(sum(lines) + more, 0)
        order = paid(
            member, f"{mark}-{next(names)}", *lines, total=total, at=NOON + timedelta(days=days), channel=channel
        )
        tried = {
            (one.rule.version_id, share.line_id, share.points)
            for one in rules.dry_run(order_id=order.pk)
            for share in one.shares
            if share.points
        }
        awards.for_order(order_id=order.pk, moment=NOON)
        real = set(Award.objects.filter(order=order, points__gt=0).values_list("version", "line", "points"))
        assert tried == real


@given(total=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_parts_add_up_and_no_part_is_a_whole_point_off_its_share(total: int, weights: list[int]):
    parts = money.split(total, weights)

    assert sum(parts) == total
    if sum(weights):
        assert all(
            abs(part * sum(weights) - total * weight) < sum(weights)
            for part, weight in zip(parts, weights, strict=True)
        )


@given(total=st.integers(0, 10**6), cents=st.lists(st.integers(0, 10**5), max_size=5))
def test_lines_never_stand_for_more_than_was_paid(total: int, cents: list[int]):
    found = pieces(total, [Piece(cents=one) for one in cents])

    assert sum(piece.cents for piece in found) == (min(total, sum(cents)) if cents else total)
