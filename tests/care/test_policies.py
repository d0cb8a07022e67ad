"""Drafts, versions, texts and audiences: closed shapes, clear refusals, nothing written by a refusal."""

import json
import random
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from apps.care import dispatch, gate, policies, preview, reach, services, templates
from apps.care.models import Policy, Touch, Version
from apps.catalog.models import Category, Product
from apps.core import clock
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from apps.gateways.models import InboxMessage
from apps.members.models import Member
from apps.segments import refresh
from apps.segments.models import MemberCycle, Trait, TraitValue
from apps.stores.models import Store
from tests.care.conftest import LAPSING, Shop, touches

pytestmark = pytest.mark.django_db


def test_the_defaults_are_live_once_and_leave_the_brands_changes_alone() -> None:
    made = policies.install_defaults()
    assert [(p.key, p.name, p.status, p.version) for p in made] == [
        ("birthday", "生日问候", "live", 1),
        ("won-back", "赢回答谢", "live", 1),
        ("lapsing", "流失关怀", "live", 1),
        ("dormant", "沉睡唤醒", "live", 1),
        ("second-purchase", "首购转二购", "live", 1),
    ]
    assert set(Version.objects.values_list("holdout_percent", flat=True)) == {10}
    policies.pause(policy_id=made[0].pk)
    assert policies.install_defaults() == []
    assert Policy.objects.get(key="birthday").status == "paused"
    assert Version.objects.count() == 5


WRONG = {
    "": ([], "not_an_object"),
    "/colour": ({"colour": 1}, "unknown_field"),
    "/trigger": ({"trigger": "full_moon"}, "unknown_value"),
    "/params/stage": ({"params": {}}, "required"),
    "/params/window_days": ({"params": {"stage": "lapsing", "window_days": 0}}, "not_a_number"),
    "/params/days": ({"params": {"stage": "lapsing", "days": 1}}, "unknown_field"),
    "/channel": ({"channel": ["sms"]}, "unknown_value"),
    "/purpose": ({"purpose": "profiling"}, "unknown_value"),
    "/send_hour": ({"send_hour": True}, "not_a_number"),
    "/holdout_percent": ({"holdout_percent": 51}, "not_a_number"),
    "/return_days": ({"return_days": 30.0}, "not_a_number"),
    "/template": ({"template": "{{ phone }}，您好"}, "unknown_variable"),
    "/missing/nickname": ({"missing": {"nickname": "会员"}}, "unknown_value"),
    "/missing/nickname/value": ({"missing": {"nickname": {"policy": "default", "value": "a\nb"}}}, "not_a_text"),
    "/audience/all/1/op": (
        {
            "audience": {
                "all": [{"field": "orders", "op": "gte", "value": 1}, {"field": "orders", "op": "in", "value": 1}]
            }
        },
        "unknown_op",
    ),
}


@pytest.mark.parametrize("pointer", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_published(pointer: str) -> None:
    change, code = WRONG[pointer]
    draft = LAPSING | change if isinstance(change, dict) else change
    policy = policies.create(key="p", name="p", draft=draft)
    Policy.objects.filter(pk=policy.pk).update(draft=draft)
    with pytest.raises(ValidationFailed) as refusal:
        policies.publish(policy_id=policy.pk)
    assert [(e["pointer"], e["code"]) for e in refusal.value.facts["errors"]] == [(pointer, code)]
    assert (Version.objects.count(), Policy.objects.get().status) == (0, "draft")


def test_publishing_freezes_and_an_unchanged_draft_adds_no_version(shop: Shop) -> None:
    first = shop.policy()
    assert policies.publish(policy_id=first.policy_id).pk == first.pk
    policies.save_draft(policy_id=first.policy_id, draft=LAPSING | {"send_hour": 11})
    second = policies.publish(policy_id=first.policy_id)
    assert (second.number, second.send_hour, Version.objects.get(pk=first.pk).send_hour) == (2, 11, 10)
    with pytest.raises(DatabaseError, match=r"permission denied|append-only"), transaction.atomic():
        Version.objects.filter(pk=first.pk).update(template="other")
    assert AuditEntry.objects.filter(object_type="care_policy").exists()


def test_a_policy_never_published_cannot_be_resumed() -> None:
    policy = policies.create(key="p", name="p")
    with pytest.raises(policies.NotPublished):
        policies.resume(policy_id=policy.pk)


@pytest.mark.parametrize(
    "text",
    ["{{ nickname.__class__ }}", "{{ nickname|safe }}", "{{ 1+1 }}", "{% if 1 %}x{% endif %}", "{{ _x }}{", "{{}}", "{nickname}",
     "{{ nickname() }}", "{{ nickname['a'] }}", "{{{ nickname }}}", "{{ __import__ }}", "", "{{ nickname }}", "{{ NICKNAME }} a",
     "a\0b"],
)  # fmt: skip
def test_a_text_is_words_and_known_variables_and_nothing_else(text: str) -> None:
    with pytest.raises(templates.BadTemplate):
        templates.parse(text)


def test_a_value_is_never_read_as_template() -> None:
    done = templates.render("{{ nickname }}好", values={"nickname": "{{ brand }}"}, missing={})
    assert done.text == "{{ brand }}好"


def test_a_preview_says_what_was_filled_and_what_stands_against_it(shop: Shop, noon: datetime) -> None:
    store = Store.objects.create(code="S1", name="静安店")
    member = shop.member(nickname="", phone=False, consents=())
    shop.buys(member, at=noon.replace(month=2, day=6), store=store)
    refresh.refresh(noon)
    policy = policies.create(key="p", name="p")
    draft = LAPSING | {"template": "{{ nickname }}，{{ last_store }}等您，{{ top_category }}上新。" + "好" * 40}
    shown = preview.preview(policies.as_version(policy, draft=draft), member_id=member.pk)
    assert shown.values == {
        "nickname": ("会员", "default"),
        "last_store": ("静安店", "value"),
        "top_category": ("", "missing"),
    }
    assert shown.text == "【Siyu】会员，静安店等您，上新。" + "好" * 40 + "，拒收请回复R"
    assert (shown.segments, shown.cost_cents) == (1, 5)
    assert shown.refusals == ("no_consent", "no_address", "missing_value")
    assert (shown.is_in_audience, shown.send_at, Touch.objects.count()) == (True, noon, 0)


def test_a_text_names_what_is_needed_again_soon(shop: Shop, noon: datetime) -> None:
    member, other = shop.member(), shop.member()
    tea, salt = (
        Product.objects.create(sku=name, name=name, category=Category.objects.create(name=f"{name}类"))
        for name in ("龙井", "海盐")
    )
    today = clock.local_date(noon)
    for product, days in ((tea, 3), (salt, 20)):
        MemberCycle.objects.create(
            member=member, category=product.category, product=product, last_on=today, gap_days=9, is_own=True,
            due_on=today + timedelta(days=days),
        )  # fmt: skip
    refresh.refresh(noon)
    policy = policies.create(key="p", name="p")
    draft = LAPSING | {"template": "{{ nickname }}，{{ due_product }}（{{ due_category }}）该添了"}
    version = policies.as_version(policy, draft=draft)
    shown = preview.preview(version, member_id=member.pk, moment=noon)
    assert shown.values["due_product"] == ("龙井", "value")
    assert shown.values["due_category"] == ("龙井类", "value")
    assert "missing_value" not in shown.refusals
    assert (
        preview.preview(version, member_id=member.pk, moment=noon + timedelta(days=11)).values["due_product"][0]
        == "海盐"
    )
    assert "missing_value" in preview.preview(version, member_id=other.pk, moment=noon).refusals


def test_reach_counts_consent_and_address_per_channel(shop: Shop, noon: datetime) -> None:
    shop.member()
    shop.member(phone=False)
    shop.member(consents=(("care", "inbox"),))
    shop.member(consents=())
    gone = shop.member()
    Member.objects.filter(pk=gone.pk).update(status="erased")
    found = reach.of_rule({}, moment=noon)
    assert {one.channel: (one.members, one.reached) for one in found if one.channel in ("sms", "inbox")} == {
        "sms": (4, 1), "inbox": (4, 3),
    }  # fmt: skip
    assert reach.of_rule({"field": "orders", "op": "gte", "value": 1}, moment=noon)[0].members == 0


def test_each_channel_reaches_whom_the_gate_would_let_through(shop: Shop, noon: datetime) -> None:
    shop.member()
    shop.member(phone=False, consents=())
    asked = {one.channel: (one.reached, one.not_agreed, one.no_address) for one in reach.of_rule({}, moment=noon)}
    # A credit is the yes to a mini-program message: nobody refused, and nobody has one.
    assert asked == {"sms": (1, 1, 0), "inbox": (1, 1, 0), "wechat": (0, 0, 2), "email": (0, 2, 0), "wecom": (0, 2, 0)}


def test_whoever_has_had_enough_is_counted_among_the_reached(shop: Shop, noon: datetime) -> None:
    shop.limits(
        day_cap=9, week_cap=9, classes={"care": {"day": 2}}, channels={"sms": {"day_cap": 1, "quiet": [11, 13]}}
    )
    for _ in range(2):
        shop.lapsing_member()
    fresh = shop.member()
    for number, channel in enumerate(["sms", "inbox"]):
        shop.policy(f"p{number}", channel=channel, send_hour=14)
    services.plan(moment=noon)
    found = {one.channel: one for one in reach.of_rule({}, moment=noon)}
    assert (found["sms"].reached, found["sms"].capped, found["inbox"].capped) == (3, 2, 0)
    assert (found["sms"].rests_until, found["inbox"].rests_until) == (noon.replace(hour=13), None)

    shop.policy("second", channel="inbox", send_hour=15)
    services.plan(moment=noon)
    of_class = {purpose: reach.of_rule({}, moment=noon, purpose=purpose) for purpose in ("care", "marketing")}
    assert [[one.capped for one in each if one.channel == "inbox"] for each in of_class.values()] == [[2], [0]]
    Touch.objects.filter(policy__key="p1").update(version=shop.policy("offer", channel="inbox", purpose="marketing"))
    left = reach.of_rule({}, moment=noon)
    assert [one.capped for one in left if one.channel == "inbox"] == [0], "one of the class is left"
    tomorrow = reach.of_rule({}, moment=noon + timedelta(days=1))
    assert (sum(one.capped for one in tomorrow), fresh.pk > 0) == (0, True)


def test_a_rehearsed_draft_shows_its_own_touches_and_leaves_nothing(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy("live")
    policy = policies.create(key="draft", name="draft", draft=LAPSING)
    seen = []
    services.rehearse(moment=noon, draft_of=policy.pk, watch=lambda plan: seen.extend(touches()))
    assert seen == [("M1", "draft", "planned", "")]
    assert (Touch.objects.count(), Version.objects.count(), Policy.objects.get(key="draft").status) == (0, 1, "draft")


ODD = [
    None, True, 0, -1, 10**30, 1.5, float("nan"), float("inf"), "", "stage", "in", "'; drop table care_touch; --", "\0", "\ud800",
    "%s", "%(a0)s", "a" * 100, [], {}, ["lapsing"], [None], ["%"], [["x"]], {"all": []}, "gte", "any_of", "tags", "orders", "attribute",
]  # fmt: skip


FINE = [
    {"field": "stage", "op": "in", "value": ["lapsing"]}, {"field": "orders", "op": "gte", "value": 2},
    {"field": "attribute", "key": "size", "op": "lte", "value": 3}, {"field": "tags", "op": "none_of", "value": ["%s"]},
]  # fmt: skip


def _odd(dice: random.Random, depth: int = 0) -> object:
    """Mostly rules with one thing wrong, some right, some nothing of the kind."""
    roll = dice.random()
    if roll < 0.15 or depth > 7:
        return dice.choice(ODD)
    if roll < 0.35:
        return {dice.choice(["all", "any"]): [_odd(dice, depth + 1) for _ in range(dice.randint(0, 3))]}
    if roll < 0.4:
        return {"not": _odd(dice, depth + 1)}
    leaf: dict[str, object] = dict(dice.choice(FINE))
    if dice.random() < 0.6:
        leaf[dice.choice(["field", "op", "value", "key"])] = dice.choice(ODD)
    return leaf


def test_odd_drafts_are_refused_or_published() -> None:
    dice = random.Random(7)
    for _ in range(300):
        draft = {name: _odd(dice) for name in policies.FIELDS if dice.random() < 0.7}
        with pytest.raises(ValidationFailed) as refusal:
            policies.checked(draft)
        assert json.loads(json.dumps(refusal.value.facts["errors"]))


def test_a_computed_trait_stands_in_a_text_and_who_has_none_is_skipped(shop: Shop, noon: datetime) -> None:
    """Numbers without idle digits, lists with commas of the language; a trait that is gone is no variable any more."""
    rich, poor = shop.lapsing_member(nickname="林溪"), shop.lapsing_member(nickname="周大舟")
    made = Trait.objects.create(key="basket-size", name="客单", definition={"of": "net_cents"}, type="number")
    words = Trait.objects.create(key="basket", name="常买", definition={}, type="words")
    TraitValue.objects.create(trait=made, member=rich, number=12_850)
    for member in (rich, poor):
        TraitValue.objects.create(trait=words, member=member, words=["咖啡", "茶"])
    text = "{{ nickname }}，您常买{{ trait.basket }}，每次{{trait.basket-size}}元"
    version = shop.policy(template=text, channel="inbox", send_hour=12)
    services.plan(moment=noon)
    dispatch.send_chunk("inbox")
    assert touches() == [("M1", "lapsing", "delivered", ""), ("M3", "lapsing", "skipped", "missing_value")]
    assert InboxMessage.objects.get().body == "林溪，您常买咖啡、茶，每次128.5元"
    assert gate.is_profiling(version)
    assert preview.preview(version, member_id=poor.pk).values["trait.basket-size"] == ("", "missing")

    Trait.objects.filter(pk=made.pk).update(archived_at=noon)
    for wrong in (text, "{{ trait.nothing }}好", "{{ trait.x' or 1 }}好"):
        with pytest.raises(ValidationFailed):
            policies.checked(LAPSING | {"template": wrong})
