"""Subscribe messages through the gate: T-M10, a credit per message, and the chain goes on where none is left."""

from datetime import datetime

import pytest

from apps.care import dispatch, planning, resolve, services
from apps.care.models import Touch
from apps.core.errors import ValidationFailed
from apps.gateways import grants, wechat
from apps.gateways.models import InboxMessage, SubscribeSend
from apps.gateways.simulator.client import Client
from apps.members import identities
from apps.members.models import Member
from tests.care.conftest import Shop

APP, TEMPLATE = "wx5170000000000001", "sim-coupon-expiring"
CONTENT = {"template_id": TEMPLATE, "page": "pages/coupon?id=1"}
LINES = "thing1={{ nickname }}，您的券快到期了\namount2=20元\ndate3=2026年3月31日"
pytestmark = pytest.mark.django_db(transaction=True)  # receipts are written on a connection of their own


def follower(shop: Shop, platform: Client, *, credits: int, name: str = "") -> Member:
    member = shop.lapsing_member(nickname="一位名字特别特别特别长的会员", consents=(("care", "inbox"),))
    openid = f"o{name or member.pk}_openid"
    identities.add_identity(member_id=member.pk, kind="openid", value=openid, namespace=APP)
    for number in range(credits):
        grants.report(
            member_id=member.pk,
            app_id=APP,
            openid=openid,
            results={TEMPLATE: "accept"},
            source=f"prompt:{member.pk}:{number}",
        )
    platform.grant(app_id=APP, openid=openid, template_id=TEMPLATE, credits=credits)
    return member


def remind(shop: Shop, key: str = "remind", **more: object) -> None:
    shop.policy(key, channel="wechat", template=LINES, content=CONTENT, **more)


def test_one_accept_is_one_message_and_the_gate_says_no_before_wechat_does(
    shop: Shop, noon: datetime, platform: Client
) -> None:
    shop.limits(day_cap=5, week_cap=5)
    willing, never, refusing = (follower(shop, platform, credits=n) for n in (1, 0, 1))
    shop.consent(refusing.pk, channel="any", given=False)
    remind(shop)
    remind(shop, "again", priority=200)
    services.run(moment=noon)

    rows = Touch.objects.order_by("policy__priority", "member_id").values_list("member_id", "state", "reason")
    assert list(rows[:3]) == [
        (willing.pk, "sent", ""),
        (never.pk, "skipped", "no_grant"),
        (refusing.pk, "skipped", "no_consent"),
    ]
    assert rows[3][1:] in [("failed", "no_grant"), ("skipped", "no_grant")]  # planned too, but the credit was gone
    assert platform.wechat_calls()["send"] == {"0": 1}
    [shown] = platform.wechat_messages()
    assert shown["data"]["thing1"] == "一位名字特别特别特别长的会员，您的券快…"
    assert len(shown["data"]["thing1"]) == wechat.LONGEST_THING


def test_43101_sets_the_ledger_to_nought_and_the_inbox_takes_over(shop: Shop, noon: datetime, platform: Client) -> None:
    member = follower(shop, platform, credits=2, name="refuses")  # switched off on the phone, unheard
    remind(shop, fallback=[{"channel": "inbox", "template": "您的券快到期了"}])
    services.run(moment=noon)
    dispatch.drain()

    touch = Touch.objects.get()
    assert (touch.channel, touch.route, touch.state) == ("inbox", 1, "delivered")
    assert grants.credits(member_id=member.pk) == {}
    assert [a.code for a in touch.attempts.order_by("number")] == ["43101", "OK"]
    assert InboxMessage.objects.get().body == "您的券快到期了"


def test_a_lost_answer_is_never_sent_again(shop: Shop, noon: datetime, platform: Client, clock) -> None:
    follower(shop, platform, credits=3)
    remind(shop)
    platform.faults(paths=["/cgi-bin/message/subscribe/send"], drop_reply=1.0)
    services.run(moment=noon)
    clock(noon.replace(hour=18))
    resolve.settle_open("wechat")

    assert Touch.objects.get().state == "unknown"
    assert len(platform.wechat_messages()) == 1
    assert SubscribeSend.objects.get().state == "unknown"


def test_a_value_that_wechat_would_refuse_is_not_sent(shop: Shop, noon: datetime, platform: Client) -> None:
    follower(shop, platform, credits=1)
    shop.policy(channel="wechat", template="thing1=您好\namount2={{ nickname }}\ndate3=2026年3月31日", content=CONTENT)
    services.run(moment=noon)

    assert Touch.objects.values_list("state", "reason").get() == ("failed", "field_unfit")
    assert "send" not in platform.wechat_calls()


def test_a_name_makes_no_fields_of_its_own(shop: Shop, noon: datetime, platform: Client) -> None:
    """T-S8: values are put in as they are, and never read again as template, field or header."""
    member = follower(shop, platform, credits=1)
    Member.objects.filter(pk=member.pk).update(nickname="坏\nthing9=x {{ brand }}")
    shop.policy(channel="wechat", template="thing1={{ nickname }}\namount2=20元\ndate3=2026年3月31日", content=CONTENT)
    services.run(moment=noon)

    [shown] = platform.wechat_messages()
    assert shown["data"] == {"thing1": "坏 thing9=x {{ brand…", "amount2": "20元", "date3": "2026年3月31日"}


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("thing1", "字" * 60, True),  # cut to twenty
        ("time2", "2026年3月10日 12:00", True),
        ("time2", "noon", False),
        ("amount3", "¥20.00", True),
        ("amount3", "twenty", False),
        ("phrase4", "待付款", True),
        ("phrase4", "六个字太长了", False),
        ("number5", "12", True),
        ("strange6", "x", False),
    ],
)
def test_fields_have_their_limits(name: str, value: str, good: bool) -> None:
    assert wechat.fits(name, value) is good


def test_a_draft_says_what_is_wrong_with_its_fields(shop: Shop) -> None:
    with pytest.raises(ValidationFailed) as refused:
        shop.policy(channel="wechat", template="just words", content={"template_id": "nobody-s"})
    found = {(e["pointer"], e["code"]) for e in refused.value.facts["errors"]}  # type: ignore[union-attr]
    assert found == {("/template", "not_a_field"), ("/content/template_id", "unknown_template")}
    assert planning.live_versions() == []
