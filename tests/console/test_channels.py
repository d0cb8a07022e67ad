"""The channels page: circuit, cost and dead letters, and who may send those again."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from apps.care.models import Lane, Touch
from apps.core.models import AuditEntry
from apps.gateways.models import SmsTemplate
from apps.stores.models import Role
from tests.care.conftest import Shop
from tests.console.world import House

MOMENT = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture
def dead(house: House) -> Touch:
    shop = Shop()
    version = shop.policy("care-of-the-lapsing")
    Lane.objects.create(channel="sms", circuit="open", changed_at=MOMENT, trouble="HTTP_502")
    SmsTemplate.objects.create(
        provider="aliyun", name="lapsing-v1", kind="promo", text="${nickname}", state="refused", reason="no brand in it",
        submitted_at=MOMENT, asked_at=MOMENT,
    )  # fmt: skip
    return Touch.objects.create(
        policy=version.policy, version=version, member=shop.member(), occurrence="order:1", channel="sms", state="failed",
        reason="gave_up", tries=6, decided_at=MOMENT, settled_at=MOMENT,
    )  # fmt: skip


def test_the_page_shows_circuit_registry_and_dead_letters(at: Callable[..., Client], dead: Touch) -> None:
    text = at(Role.MARKETER).get("/console/channels/").content.decode()

    for words in ("HTTP_502", "no brand in it", "care-of-the-lapsing", f'value="{dead.pk}"'):
        assert words in text


def test_only_who_may_sends_again_and_says_why(at: Callable[..., Client], dead: Touch) -> None:
    address, sent = "/console/channels/replay/", {"touch": [dead.pk], "reason": "the provider was down"}
    assert at(Role.ANALYST).post(address, sent).status_code == 403
    client = at(Role.MARKETER)
    client.post(address, sent | {"reason": " "})
    assert Touch.objects.get(pk=dead.pk).state == "failed"

    assert client.post(address, sent).status_code == 302
    assert Touch.objects.get(pk=dead.pk).state == "planned"
    assert AuditEntry.objects.get(action="touches.replayed").after == {
        "touches": [dead.pk],
        "reason": "the provider was down",
    }
