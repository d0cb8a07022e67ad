"""The limits of sending: a channel's own beside everybody's, and changed by staff all or none."""

from collections.abc import Callable
from datetime import datetime

import pytest

from apps.care import gate, limits, services, slots
from apps.care.models import Touch
from apps.core import brand
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from tests.care.conftest import NOON, Shop, touches

pytestmark = pytest.mark.django_db


def test_a_channel_has_its_own_caps_and_quiet_hours_and_everybodys_for_the_rest(shop: Shop, noon: datetime) -> None:
    shop.limits(day_cap=1, week_cap=3, channels={"inbox": {"day_cap": 2, "quiet": None}, "sms": {"quiet": [11, 14]}})
    shop.lapsing_member()
    for number, channel in enumerate(["inbox", "inbox", "inbox", "sms", "sms"]):
        shop.policy(f"{channel}{number}", priority=number, channel=channel, send_hour=10)
    services.plan(moment=noon)

    assert touches() == [
        ("M1", "inbox0", "planned", ""), ("M1", "inbox1", "planned", ""), ("M1", "inbox2", "skipped", "cap"),
        ("M1", "sms3", "planned", ""), ("M1", "sms4", "skipped", "cap"),
    ]  # fmt: skip
    waits = dict(Touch.objects.filter(state="planned").values_list("policy__key", "send_at"))
    assert waits["inbox0"] == NOON, "never quiet"
    assert waits["sms3"] == NOON.replace(hour=14), "its own quiet hours end"
    found = gate.load()
    assert (found.on("email"), found.on("inbox").week_cap, found.on("inbox").quiet) == (found, 3, None)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"fax": {}}, "channels are"),
        ({"sms": {"day_cap": 0}}, "day_cap"),
        ({"sms": {"quiet": [9]}}, "quiet"),
        ({"sms": {"global_holdout_percent": 5}}, "of its own"),
        ({"sms": 3}, "of its own"),
    ],
)
def test_odd_limits_of_a_channel_are_refused(db: None, own: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        brand.write("care.gate", brand.read("care.gate") | {"channels": own})
    assert gate.load().channels == {}


def test_all_or_none_is_saved_and_each_change_is_told(db: None) -> None:
    wrong = limits.read() | {"care.sms_price_cents": 7, "care.throttle": {"sms": 0}}
    with pytest.raises(ValidationFailed):
        limits.save(wrong)
    assert brand.read("care.sms_price_cents") == 5
    assert limits.save(limits.read()) == []
    assert limits.history(at_most=5) == []

    assert limits.save(limits.read() | {"care.throttle": {"sms": 600}, "care.approval_from": None}) == [
        "care.throttle", "care.approval_from",
    ]  # fmt: skip
    assert limits.save(limits.read() | {"care.throttle": {"sms": 60}}) == ["care.throttle"]
    told = [(before, after) for _line, before, after in limits.history(at_most=5)]
    assert told == [
        ({"care.throttle": {"sms": 600}}, {"care.throttle": {"sms": 60}}),
        ({"care.approval_from": 5_000}, {"care.approval_from": None}),
        ({"care.throttle": {}}, {"care.throttle": {"sms": 600}}),
    ]
    assert AuditEntry.objects.filter(object_type="core_brandsetting").count() == 3


def test_then_or_not_at_all(shop: Shop, noon: datetime, clock: Callable[[datetime], datetime]) -> None:
    """A message that would fall into quiet hours is skipped; another waits for their end, and so does one that came too late to go."""
    shop.lapsing_member()
    night = clock(NOON.replace(hour=22, minute=30))
    shop.policy("patient", priority=1, channel="inbox", send_hour=10)
    shop.policy("never", priority=2, send_hour=10, is_now_or_never=True)
    services.plan(moment=night)
    assert touches() == [("M1", "never", "skipped", "quiet"), ("M1", "patient", "planned", "")]

    Touch.objects.update(state="planned", reason="", settled_at=None, send_at=night, channel="sms")
    assert slots.postpone(channel="sms", moment=night, limits=gate.load()) == 1
    assert touches() == [("M1", "never", "skipped", "quiet"), ("M1", "patient", "planned", "")]
    assert Touch.objects.get(state="planned").send_at == NOON.replace(day=11, hour=8)
