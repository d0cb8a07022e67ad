"""Pages of sending's limits, of stages and worth, of cards, and the test of a policy's message."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from apps.analytics.study import worth
from apps.care.models import Card, Policy, Trial
from apps.care.models import Tester as Colleague
from apps.core import brand, ids
from apps.segments import rules
from apps.segments.models import Prediction
from apps.segments.predictions import terms
from apps.stores.models import Role
from tests.console.conftest import NOON
from tests.console.test_predictions import version
from tests.console.world import House

At = Callable[..., Client]


def shown(client: Client, name: str, **asked: str) -> str:
    answer = client.get(reverse(f"console:{name}"), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def fields(client: Client, name: str) -> dict[str, str]:
    """What the page's form would send as it stands."""
    form = client.get(reverse(f"console:{name}")).context["form"]
    values = {field.html_name: field.value() for field in form}
    return {
        key: "" if value is None else str(value) for key, value in values.items() if not key.endswith("never_quiet")
    }


def test_limits_are_changed_by_the_administrator_and_read_by_marketing(house: House, at: At) -> None:
    admin, marketer = at(Role.ADMIN), at(Role.MARKETER)
    stands = fields(admin, "limits")
    assert (stands["day_cap"], stands["quiet_from"], stands["quiet_until"]) == ("1", "22", "8")
    said = stands | {
        "week_cap": "4",
        "marketing.week_cap": "1",
        "sms.a_minute": "600",
        "inbox.never_quiet": "on",
        "sms.day_cap": "2",
    }
    address = reverse("console:limits_save")
    assert marketer.post(address, said).status_code == 403
    for wrong in ({"day_cap": "0"}, {"sms.quiet_from": "9"}, {"global_holdout_percent": "51"}):
        assert admin.post(address, said | wrong).status_code == 422
    assert brand.read("care.gate")["week_cap"] == 3
    assert admin.post(address, said).status_code == 302

    gate = brand.read("care.gate")
    assert (gate["week_cap"], gate["month_cap"], gate["classes"]) == (4, None, {"marketing": {"week": 1}})
    assert gate["channels"] == {"sms": {"day_cap": 2}, "inbox": {"quiet": None}}
    assert brand.read("care.throttle") == {"sms": 600}
    page = shown(marketer, "limits")
    assert ("短信：" in page or "短信: " in page, "600" in page, address in page) == (True, True, False)
    assert fields(admin, "limits") | {"inbox.never_quiet": "on"} == said, "nothing is lost on the way"
    assert admin.get(reverse("console:limits")).context["form"]["inbox.never_quiet"].value() is True


def test_worth_by_stage_and_cell_and_other_thresholds(house: House, at: At) -> None:
    model = version(1, is_active=True)
    mine = house.members["mine"]
    Prediction.objects.create(
        member=mine,
        p_alive=0.5,
        p_lapse=0.5,
        band="middle",
        expected_orders=1,
        clv_cents=12_300,
        model=model,
        scored_at="2026-11-22T00:00Z",
    )
    assert "还没有统计" in shown(at(Role.MARKETER), "worth")
    worth.refresh(moment=NOON)
    page = shown(at(Role.MARKETER), "worth", days="91")
    assert ("¥123.00" in page, "console/worth/stages" in page) == (True, False)

    admin = at(Role.ADMIN)
    said = fields(admin, "worth") | {"fixed_days.0": "45", "gap_factors.0": "1.75"}
    address = reverse("console:worth_stages")
    assert admin.post(address, said | {"fixed_days.1": "10"}).status_code == 422
    assert rules.current()["fixed_days"] == [30, 90, 180], "must rise"
    assert admin.post(address, said).status_code == 302
    assert (rules.current()["fixed_days"], rules.current()["gap_factors"]) == ([45, 90, 180], [1.75, 3, 6])


def test_a_card_is_written_meant_for_somebody_shown_and_taken_down(house: House, at: At) -> None:
    client = at(Role.MARKETER)
    said = {"slot": "home", "name": "会员日", "title": "会员日", "priority": "10", "link": "javascript:x"}
    assert client.post(reverse("console:card_new"), said).status_code == 422
    assert not Card.objects.exists()
    made = client.post(reverse("console:card_new"), said | {"link": "/my/mall/"})
    row = Card.objects.get()
    card = ids.encode("crd", row.pk)
    assert made["Location"] == reverse("console:card", args=[card])

    rule = '{"all": [{"field": "stage", "op": "in", "value": ["lapsing"]}]}'
    client.post(reverse("console:card_audience", args=[card]), {"rule": rule, "keep": "1"})
    client.post(reverse("console:card_show", args=[card]))
    row.refresh_from_db()
    assert (row.state, row.audience) == ("on", {"all": [{"field": "stage", "op": "in", "value": ["lapsing"]}]})
    assert (
        "会员日" in shown(client, "cards"),
        at(Role.ANALYST).get(reverse("console:card", args=[card])).status_code,
    ) == (True, 200)
    assert at(Role.ANALYST).post(reverse("console:card_take_down", args=[card])).status_code == 403
    client.post(reverse("console:card_take_down", args=[card]))
    row.refresh_from_db()
    assert row.state == "off"


def test_a_policys_message_is_tested_from_its_page(house: House, at: At) -> None:
    policy, client = Policy.objects.get(key="lapsing"), at(Role.MARKETER)
    chain = [{"channel": "inbox", "template": "{{ nickname }}，来看看"}]
    Policy.objects.filter(pk=policy.pk).update(draft=policy.draft | {"fallback": chain})
    tester = Colleague.objects.create(user=house.users[Role.MARKETER], member=house.members["mine"])
    page = client.get(reverse("console:policy", args=[policy.key]))
    assert [row.pk for row in page.context["testers"]] == [tester.pk]
    assert [view.channel for view in page.context["views"]] == [policy.draft["channel"], "inbox"]
    address = reverse("console:policy_test_send", args=[policy.key])
    assert client.post(address, {"tester": [tester.pk], "channel": "inbox"})["Location"].endswith("#test")
    assert list(Trial.objects.values_list("what", "channel", "member_id")) == [
        ("lapsing", "inbox", house.members["mine"].pk)
    ]
    assert len(client.get(reverse("console:policy", args=[policy.key])).context["sent"]) == 1

    Policy.objects.filter(pk=policy.pk).update(draft={})
    client.post(address, {"tester": [tester.pk]})
    assert (Trial.objects.count(), at(Role.ANALYST).post(address).status_code) == (1, 403)


def test_the_value_of_a_customer_looks_as_far_ahead_as_the_brand_wants(house: House, at: At) -> None:
    address = reverse("console:predictions_terms")
    assert at(Role.MARKETER).post(address, {"clv_days": "90", "discount": "8"}).status_code == 403
    for days in ("29", "1826", "x"):
        at(Role.ADMIN).post(address, {"clv_days": days, "discount": "8"})
    assert terms.current() == {"clv_days": 365, "discount_a_year": 0.1}
    at(Role.ADMIN).post(address, {"clv_days": "730", "discount": "7.5"})
    assert terms.current() == {"clv_days": 730, "discount_a_year": 0.075}
