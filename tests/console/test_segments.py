"""The editor of segments: nothing typed is lost, what is wrong is named at its place, and the numbers are those of a build."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from apps.console import segment_form, segment_words
from apps.members.models import Member
from apps.members.services import set_tags
from apps.segments import building, language, presets
from apps.segments.models import Membership, RuleVersion, Segment
from apps.stores.models import Role
from tests.console.conftest import NOON
from tests.segments.rule_world import Brand
from tests.segments.rules_drawn import Rules

pytestmark = pytest.mark.django_db
TEA = {"field": "tags", "op": "any_of", "value": ["tea"]}


def form(rule: Any, **more: Any) -> dict[str, Any]:
    return {"rule": json.dumps(rule), "name": "Tea drinkers", **more}


def edited(client: Client, rule: Any, **more: Any) -> dict[str, Any]:
    """The rule that the editor holds after one more press."""
    page = client.post("/console/segments/edit/", form(rule, **more))
    assert page.status_code == 200
    held: dict[str, Any] = json.loads(page.context["rule_json"])
    return held


def test_a_segment_is_built_by_hand_and_its_count_is_its_size(admin: Client) -> None:
    drinkers = list(Member.objects.filter(status="active").order_by("pk")[:3])
    for member in drinkers:
        set_tags(member_id=member.pk, tags=["tea"])
    rule = edited(admin, {"all": []}, act="add:n0")
    rule = edited(admin, rule, **{"n1.field": "tags"})
    rule = edited(
        admin, rule, **{"n1.field": "tags", "n1.op": "any_of", "n1.has": "1", "n1.chosen": "1", "n1.c": ["tea"]}
    )
    assert rule == {"all": [TEA]}
    counted = admin.post("/console/segments/count/", form(rule))
    assert (counted.context["counted"].members, counted.context["leaves"]) == (3, [("n1", 3)])
    kept = admin.post("/console/segments/save/", form(rule), follow=True)
    made = Segment.objects.get()
    assert (kept.status_code, made.rule, made.name) == (200, {"all": [TEA]}, "Tea drinkers")
    building.build(NOON)
    assert set(Membership.objects.values_list("member_id", flat=True)) == {member.pk for member in drinkers}


def test_presses_change_the_shape_and_nothing_else(admin: Client) -> None:
    rule = {"all": [TEA, {"any": [TEA, {"field": "orders", "op": "gte", "value": 2}]}]}
    assert edited(admin, rule, act="join:n2")["all"][1] == {"all": rule["all"][1]["any"]}  # type: ignore[index]
    assert edited(admin, rule, act="drop:n3")["all"][1] == {"any": [{"field": "orders", "op": "gte", "value": 2}]}
    fresh = {"field": "stage", "op": "in", "value": ["active"]}
    assert edited(admin, rule, act="except:n0")["all"][2] == {"not": {"any": [fresh]}}
    assert edited(admin, rule, act="drop:n99") == rule


def test_kinds_are_typed_and_read_in_words_and_kept_as_codes(admin: Client) -> None:
    rule = {"all": [{"field": "tickets_open", "op": "gte", "value": 1}]}
    typed = {
        "n1.field": "tickets_open",
        "n1.op": "gte",
        "n1.has": "1",
        "n1.v": "1",
        "n1.where.ticket_kinds": "投诉、odd",
    }
    held = edited(admin, rule, **typed)
    assert held["all"][0]["where"] == {"ticket_kinds": ["complaint", "odd"]}
    page = admin.post("/console/segments/edit/", form(held))
    assert page.context["row"].parts[0].where[0][2] == "投诉、odd"
    odd = {"all": [{"field": "tickets_open", "op": "gte", "value": 1, "where": {"ticket_kinds": [["x"], {}]}}]}
    assert admin.post("/console/segments/edit/", form(odd)).status_code == 200


def test_what_was_typed_wrong_stays_and_is_named_at_its_place(admin: Client) -> None:
    rule = {"all": [TEA, {"field": "net_cents", "op": "gte", "value": 100}]}
    typed = {"n2.field": "net_cents", "n2.op": "gte", "n2.has": "1", "n2.v": "a lot"}
    page = admin.post("/console/segments/save/", form(rule, **typed))
    assert (page.status_code, Segment.objects.count()) == (422, 0)
    row = page.context["row"].parts[1]
    assert (row.first, bool(row.error), page.context["row"].parts[0].error) == ("a lot", True, "")
    assert edited(admin, rule, **typed | {"n2.v": "1,234.56"})["all"][1]["value"] == 123_456


def test_a_change_is_a_version_and_the_old_one_can_be_opened_again(admin: Client) -> None:
    admin.post("/console/segments/save/", form({"all": [TEA]}))
    key = Segment.objects.get().key
    admin.post(
        "/console/segments/save/", form({"any": [TEA, {"field": "orders", "op": "lte", "value": 0}]}, segment=key)
    )
    assert list(RuleVersion.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    old = admin.get(f"/console/segments/{key}/?version=1")
    assert json.loads(old.context["rule_json"]) == {"all": [TEA]}
    admin.post("/console/segments/save/", form({"all": [TEA]}, segment=key, copy="1"))
    assert Segment.objects.count() == 2


def test_why_says_which_condition_keeps_somebody_out(admin: Client) -> None:
    member = Member.objects.filter(status="active").order_by("pk").first()
    assert member is not None
    set_tags(member_id=member.pk, tags=["tea"])
    rule = {"all": [TEA, {"not": {"field": "tags", "op": "any_of", "value": ["tea"]}}]}
    page = admin.post("/console/segments/why/", form(rule, who=member.member_no))
    assert (page.context["answer"].is_in, [fits for _words, fits in page.context["lines"]]) == (False, [True, True])
    assert admin.post("/console/segments/why/", form(rule, who="nobody-at-all")).context["answer"] is None


def test_whoever_may_only_look_saves_nothing(at: Callable[..., Client]) -> None:
    client = at(Role.ANALYST)
    assert client.post("/console/segments/save/", form({"all": [TEA]})).status_code == 403
    assert (client.get("/console/segments/").status_code, Segment.objects.count()) == (200, 0)


def test_ready_made_rules_are_rules_and_read_well_in_both_languages(admin: Client) -> None:
    brand = segment_form.Words()
    assert len(presets.PRESETS) >= 12
    for one in presets.PRESETS:
        if one.key != "points-expiring":  # asks about a currency, and the house has another name for it
            language.compiled(one.rule, moment=NOON)
        for tongue in ("zh-hans", "en"):
            with override(tongue):
                assert "%(" not in segment_words.sentence(one.rule, brand.names, brand.attributes)
        assert admin.get(f"/console/segments/new/?from={one.key}").status_code == 200


def test_the_editor_holds_any_rule_there_is_without_changing_it(db: None) -> None:
    brand = Brand(11, 3)
    made, words = Rules(11, [tier.key for tier in brand.tiers], brand.currency.key), segment_form.Words()
    for _ in range(150):
        rule = made.rule()
        held = segment_form.normal(rule)
        whole = segment_form.pruned(held)
        read = language.compiled(whole, moment=NOON)
        shown = segment_form.rows(held, words, counts={leaf.pointer: 7 for leaf in read.leaves})
        assert all(row.count == 7 for row in _leaves(shown)), rule
        assert segment_words.sentence(whole, words.names, words.attributes)


def _leaves(row: segment_form.Row) -> list[segment_form.Row]:
    return [row] if row.kind == "leaf" else [leaf for part in row.parts for leaf in _leaves(part)]
