"""The rules of earning on staff pages: sentences, an editor for the whole grammar, publishing by one or two, and the dry run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.console import rule_form, rule_words
from apps.console.rule_form import RuleForm
from apps.core import approvals, ids
from apps.core.models import Approval
from apps.points import awards, defaults, definitions, ladders, rules
from apps.points.models import Achievement, Award, Entry, Rule, RuleVersion
from apps.stores.models import Role
from tests.console.world import House

FIELDS = {"name": "会员日", "name_en": "Member day", "kind": "fixed", "points": "50", "times_per": "life"}
ROWS = {f"{name}-{mark}": "0" for name in ("steps", "caps", "properties") for mark in ("TOTAL_FORMS", "INITIAL_FORMS")}


@pytest.fixture(autouse=True)
def shop(house: House) -> None:
    cache.delete("points.rules.given")
    ladders.install_defaults()
    defaults.install()


def draft_of(key: str) -> Any:
    return Rule.objects.get(key=key).draft


def test_the_list_says_each_rule_in_a_sentence_with_state_version_and_what_it_gave(
    house: House, at: Callable[..., Client]
):
    awards.for_order(order_id=house.orders["mine"].pk)
    rules.pause(rule_id=Rule.objects.get(key="birthday").pk)
    given = sum(Award.objects.filter(rule__key="order").values_list("points", flat=True))

    page = at(Role.ANALYST).get(reverse("console:rules")).content.decode()
    english = at(Role.ANALYST).get(reverse("console:rules"), headers={"accept-language": "en"}).content.decode()
    narrowed = at(Role.ANALYST).get(reverse("console:rules"), {"state": "paused"}).content.decode()
    nothing = at(Role.ANALYST).get(reverse("console:rules"), {"q": "没有的词"}).content.decode()

    assert "每消费 1 元得 1 积分，银卡 1.1 倍、金卡 1.2 倍、黑金 1.5 倍" in page
    assert "每签到一天得 5 积分，连续签到 第 7 天 +20、第 15 天 +50、第 30 天 +100" in page
    assert "每次评价得 10 积分；每月最多 10 次" in page
    assert "1 Points for every ¥1 spent" in english
    assert given > 0
    assert f"{given:,} 积分" in page
    assert "新建规则" not in page
    assert "生日得 100 积分" in narrowed
    assert "每消费 1 元" not in narrowed
    assert "没有符合的规则" in nothing


def test_a_rule_is_begun_saved_with_its_faults_shown_and_published_by_one(house: House, at: Callable[..., Client]):
    admin = at(Role.ADMIN)
    made = admin.post(
        reverse("console:rule_new"),
        {"name": "会员日", "name_en": "Member day", "trigger": "order", "currency": "points"},
    )
    key = Rule.objects.get(name="会员日").key
    assert made["Location"] == reverse("console:rule", args=[key])

    wrong = admin.post(
        reverse("console:rule_save", args=[key]),
        FIELDS | ROWS | {"from_day": "2026-12-02", "to_day": "2026-12-01", "products": "tea，cup\nmug", "caps-TOTAL_FORMS": "1",
                         "caps-0-per": "day", "caps-0-points": "500", "caps-0-then": "cap"},
    )  # fmt: skip
    assert wrong.status_code == 422
    assert "结束时间须晚于开始时间" in wrong.content.decode()
    assert draft_of(key)["when"] == {"products": ["tea", "cup", "mug"], "from": "2026-12-02", "to": "2026-12-01"}
    assert admin.post(reverse("console:rule_publish", args=[key])).status_code == 422
    assert RuleVersion.objects.filter(rule__key=key).count() == 0

    kept = admin.post(reverse("console:rule_save", args=[key]), FIELDS | ROWS | {"points": "many"})
    assert kept.status_code == 422
    assert 'value="many"' in kept.content.decode()
    assert draft_of(key)["give"] == {"kind": "fixed", "points": 50}

    admin.post(reverse("console:rule_save", args=[key]), FIELDS | ROWS)
    admin.post(reverse("console:rule_publish", args=[key]))
    rule = Rule.objects.get(key=key)
    assert (rule.current.number, rule.current.by, rule.is_active, rule.draft) == (
        1,
        house.users[Role.ADMIN],
        True,
        None,
    )
    admin.post(reverse("console:rule_save", args=[key]), FIELDS | ROWS | {"points": "60", "weekdays": ["5", "6"]})
    page = admin.get(reverse("console:rule", args=[key])).content.decode()
    assert "<del>每单得 50 积分</del>" in page
    assert "<ins>限周五、周六</ins>" in page
    admin.post(reverse("console:rule_drop", args=[key]))
    assert draft_of(key) is None
    admin.post(reverse("console:rule_pause", args=[key]))
    assert Rule.objects.get(key=key).is_active is False
    admin.post(reverse("console:rule_resume", args=[key]))
    assert Rule.objects.get(key=key).is_active is True


def test_over_the_limit_the_page_asks_a_second_person_who_sees_both_sentences(house: House, at: Callable[..., Client]):
    marketer, admin = at(Role.MARKETER), at(Role.ADMIN)
    rules.save_draft(
        rule_id=Rule.objects.get(key="order").pk, draft={"give": {"kind": "per_amount", "points": 3, "per_cents": 100}}
    )

    marketer.post(reverse("console:rule_publish", args=["order"]), {"reason": "双十一"})

    asked = Approval.objects.get(kind="points.rule")
    assert RuleVersion.objects.filter(rule__key="order").count() == 1
    own = marketer.get(reverse("console:approvals")).content.decode()
    page = admin.get(reverse("console:approvals")).content.decode()
    assert "每消费 1 元得 1 积分" in page
    assert "每消费 1 元得 3 积分" in page
    assert "双十一" in page
    assert "同意</button>" not in own
    url = reverse("console:approval_decide", args=[ids.encode("apr", asked.pk)])
    marketer.post(url, {"verdict": "agree"})
    assert RuleVersion.objects.filter(rule__key="order").count() == 1
    admin.post(url, {"verdict": "agree"})
    version = Rule.objects.get(key="order").current
    assert version is not None
    assert (version.number, version.by, version.agreed_by) == (2, house.users[Role.MARKETER], house.users[Role.ADMIN])
    asked.refresh_from_db()
    assert asked.state == "approved"
    with pytest.raises(approvals.AlreadyDecided):
        approvals.decide(approval_id=asked.pk, user_id=house.users[Role.ADMIN].pk, is_agreed=True)


def tried(client: Client, **fields: str) -> Any:
    marks = {"l-TOTAL_FORMS": "2", "l-INITIAL_FORMS": "0", "drafts": "on"}
    return client.post(reverse("console:rule_trial"), marks | fields)


def test_the_dry_run_shows_what_dry_run_says_of_a_real_order_and_of_a_basket_and_writes_nothing(
    house: House, at: Callable[..., Client]
):
    admin, order = at(Role.ADMIN), house.orders["mine"]
    rules.save_draft(rule_id=Rule.objects.get(key="member-day").pk, draft={"give": "?"})
    rules.save_draft(rule_id=Rule.objects.get(key="growth").pk, draft={"give": {"kind": "fixed", "points": 7}})
    said = rules.dry_run(order_id=order.pk, drafts=[Rule.objects.get(key="growth").pk])

    real = tried(admin, source="order", order_no=order.order_no)
    basket = tried(admin, source="basket", tier="gold", **{"l-0-sku": "tea", "l-0-cents": "100", "l-1-cents": "0.50"})

    assert [(row.key, row.points) for row in real.context["rows"]] == [(one.rule.key, one.points) for one in said]
    assert real.context["left_out"] == ["会员日双倍"]
    assert [(row.key, row.points, row.why) for row in basket.context["rows"]] == [
        ("first-order", 0, "不是会员的首单。"), ("growth", 7, ""), ("order", 120, "按会员等级的倍数发放。"),
        ("member-day", 0, "规则在每月的这一天不生效。"),
    ]  # fmt: skip
    assert basket.context["rows"][2].shares == ((1, 120, ""), (2, 0, "金额不足 1 分。"))
    assert (Entry.objects.count(), Award.objects.count()) == (0, 0)


def test_a_dry_run_finds_nobody_and_nothing_outside_the_readers_stores(house: House, at: Callable[..., Client]):
    clerk = at(Role.CLERK)

    far = tried(clerk, source="order", order_no=house.orders["far"].order_no)
    stranger = tried(clerk, source="basket", member_no="NO-far", **{"l-0-cents": "1"})

    assert (far.status_code, stranger.status_code) == (422, 422)
    assert "没有这个订单号" in far.content.decode()
    assert "rows" not in far.context
    assert tried(clerk, source="order", order_no=house.orders["mine"].order_no).status_code == 200


# -- the form covers the whole grammar: what it reads back is what was drafted


def value_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit the published schema, drawn from it: a new field of the grammar is tried without a line here."""
    if "oneOf" in schema:
        return st.one_of([value_of(one) for one in schema["oneOf"]])
    if schema["type"] == "object" and "properties" not in schema:
        plain = st.one_of(
            st.booleans(), st.integers(-9, 9), st.sampled_from(["a", "北京 ", "1", "yes", "2.5"]), st.just(1.5)
        )
        return st.dictionaries(st.sampled_from(["page", "来源"]), plain, min_size=1)
    if schema["type"] == "object":
        parts = {name: value_of(part) for name, part in schema["properties"].items()}
        must = {name: parts[name] for name in schema["required"]}
        return st.fixed_dictionaries(must, optional={name: part for name, part in parts.items() if name not in must})
    if schema["type"] == "array":
        is_unique = schema.get("uniqueItems", False)
        return st.lists(value_of(schema["items"]), min_size=1, max_size=min(schema["maxItems"], 3), unique=is_unique)
    if schema["type"] == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    return text_of(schema)


def text_of(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    pattern = schema.get("pattern", "")
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if pattern.startswith(r"^\d{4}"):
        moments = ["2026-11-11", "2026-12-31"] + (["2026-11-20T08:30", "2027-01-01T09:00:05"] if "T" in pattern else [])
        return st.sampled_from(moments)
    if "{1,2}" in pattern:
        return st.sampled_from(["1.5", "2", "20", "1.25"])
    return st.sampled_from(["gold", "tea", "profile_complete", "x"])


RUN = {  # what chance rarely draws together
    "give": {"kind": "streak", "points": 5, "steps": [{"day": 7, "points": 20}, {"day": 7, "points": 1}], "cycle": 30},
    "make_up": {"free_per_month": 1, "points": 20, "days_back": 7},
}
CLICKS = {
    "give": {"kind": "fixed", "points": 5},
    "event": {"name": "x", "properties": {"a": True, "b": "yes", "c": 2, "d": 2.5, "e": "2", "f": False}},
}


@example(definition=RUN, trigger="sign_in")
@example(definition=CLICKS, trigger="event")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(definition=value_of(definitions.SCHEMA), trigger=st.sampled_from(Rule.Trigger.values))
def test_the_form_reads_back_every_definition_that_the_grammar_allows(house: House, definition, trigger):
    definition = fitting(definition, trigger)
    rule = Rule(key="x", name="规则", name_en="Rule", trigger=trigger, currency_id=1)
    blank = RuleForm(initial=rule_form.initial(rule, definition), trigger=trigger, kept=definition)

    form = RuleForm(rule_form.as_post(blank), trigger=trigger, kept=definition)

    assert form.is_valid(), (form.errors, [found.errors for found in form.lines.values()])
    assert form.definition() == definition
    with translation.override("en"):
        assert len(rule_words.sentence(rule, definition, rule_words.names())) > 10


def fitting(definition: dict[str, Any], trigger: str) -> dict[str, Any]:
    """The definition without what does not go with the trigger."""
    found = {"give": {"kind": "fixed", "points": 5}} | definition
    if definition["give"]["kind"] not in definitions.GIVES.get(trigger, {"fixed"}):
        found["give"] = {"kind": "fixed", "points": 5}
    found |= {"event": definition.get("event", {"name": "x"}), "task": definition.get("task", {"key": "x"})}
    for name, owner in {"event": "event", "task": "task", "coupon": "task", "make_up": "sign_in"}.items():
        if trigger != owner:
            found.pop(name, None)
    when = dict(found.get("when", {}))
    if trigger not in {"order", "first_order"}:
        when = {k: v for k, v in when.items() if k not in {"products", "categories", "stores", "channels", "min_cents"}}
    if when.get("from", "") >= when.get("to", "9"):
        del when["to"]
    found["when"] = when
    expiry = dict(found.get("expiry", {}))
    if expiry.get("kind") == "after":
        expiry.pop("months", None) if "days" in expiry else expiry.setdefault("months", 3)
    if expiry.get("kind") == "on":
        expiry["day"] = min(expiry["day"], 28)
    found["expiry"] = expiry
    if trigger not in {"order", "first_order"} and found.get("pending", {}).get("kind") == "fact":
        del found["pending"]
    return definitions.checked(
        {name: value for name, value in found.items() if value or name == "make_up"}, trigger=trigger
    )


def test_a_window_that_ended_ends_the_rule(house: House, at: Callable[..., Client]):
    rule = Rule.objects.get(key="review")
    assert rules.state_of(rule, moment=house.moment) == "live"
    rule.current.definition["when"] = {"to": "2026-11-21"}
    assert rules.state_of(rule, moment=house.moment) == "ended"
    assert rules.state_of(rule, moment=house.moment - timedelta(days=1)) == "live"


def test_an_achievement_is_changed_by_one_up_to_the_limit_and_above_it_by_two(house: House, at: Callable[..., Client]):
    marketer, row = at(Role.MARKETER), Achievement.objects.get(key="regular")
    url = reverse("console:achievement", args=["regular"])
    fields = {"name": "月度常客", "name_en": "Regular of the month", "kind": "orders", "target": "5", "period": "month",
              "currency": "points", "points": "200", "is_active": "on"}  # fmt: skip

    assert marketer.post(url, fields | {"target": ""}).status_code == 422
    marketer.post(url, fields)
    row.refresh_from_db()
    assert (row.target, row.points) == (5, 200)
    assert "每月：5 张订单" in marketer.get(reverse("console:achievements")).content.decode()

    marketer.post(url, fields | {"points": "201", "target": "1"})
    row.refresh_from_db()
    assert (row.target, row.points) == (5, 200)
    asked = Approval.objects.get(kind="points.achievement")
    assert "每月：1 张订单" in at(Role.ADMIN).get(reverse("console:approvals")).content.decode()
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.pk, user_id=house.users[Role.MARKETER].pk, is_agreed=True)
    approvals.decide(approval_id=asked.pk, user_id=house.users[Role.ADMIN].pk, is_agreed=True)
    row.refresh_from_db()
    assert (row.target, row.points) == (1, 201)
    marketer.post(url, fields | {"points": "201", "is_active": ""})
    assert Achievement.objects.get(key="regular").is_active is False
