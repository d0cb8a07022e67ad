"""WeCom through the one gate of care: consent, a colleague, the quota; then a task for staff, and what came of it."""

from collections.abc import Callable
from datetime import datetime

import pytest

from apps.care import dispatch, services
from apps.care.models import Touch
from apps.community import contacts, quotas, sending, syncing
from apps.community.models import Contact, Send
from apps.core import brand
from apps.core.errors import ValidationFailed
from apps.followups.models import Task
from apps.gateways.simulator.client import Client
from apps.members import identities
from apps.members.models import Member
from apps.stores.models import Staff
from tests.care.conftest import Shop

TEXT = "{{ brand }}春季新品到店，欢迎来试"


def customer(shop: Shop, platform: Client, person: str, *, userid: str = "sim-lin", agrees: bool = True) -> Member:
    consents = (("care", "wecom"), ("care", "inbox")) if agrees else (("care", "inbox"),)
    member = shop.lapsing_member(consents=consents)
    made = platform.wecom("add", userid=userid, person=person)
    identities.add_identity(member_id=member.pk, kind="unionid", value=made["unionid"])
    return member


@pytest.mark.django_db(transaction=True)
def test_a_policy_becomes_a_task_of_the_colleague_and_its_messages_are_delivered_when_it_is_confirmed(
    shop: Shop, noon: datetime, platform: Client, run_flows: Callable[..., None]
) -> None:
    shop.limits(day_cap=5, week_cap=5)
    brand.write(quotas.SPAN, "day")
    lin = Staff.objects.create(code="sim-lin", name="林")
    willing, unasked = customer(shop, platform, "an"), customer(shop, platform, "bo", agrees=False)
    stranger = shop.lapsing_member(consents=(("care", "wecom"), ("care", "inbox")))
    sync = syncing._open_run()
    syncing.read_page(sync, keep_alive=lambda: None)
    assert contacts.bind() == 0
    assert Contact.objects.filter(member__isnull=False).count() == 2
    shop.policy("new", channel="wecom", template=TEXT, missing={})
    fallback = [{"channel": "inbox", "template": "新品到店"}]
    shop.policy("second", channel="wecom", template=TEXT, missing={}, priority=200, fallback=fallback)
    services.run(moment=noon)
    dispatch.drain()
    dispatch.drain()

    rows = {
        (m, p): (c, s, r)
        for m, p, c, s, r in Touch.objects.values_list("member_id", "policy__key", "channel", "state", "reason")
    }
    assert rows[willing.pk, "new"] == ("wecom", "sent", "")
    assert rows[unasked.pk, "new"] == ("wecom", "skipped", "no_consent")
    assert rows[stranger.pk, "new"] == ("wecom", "skipped", "no_address")
    assert rows[willing.pk, "second"] == ("inbox", "delivered", "")  # one a day at WeCom: the chain goes on
    sending.round_of_sends()
    run_flows()
    task = Task.objects.get()
    assert (task.assignee_id, task.kind, task.state, task.note) == (
        lin.pk,
        "message",
        "open",
        "Siyu春季新品到店，欢迎来试",
    )
    platform.wecom("confirm", userid="sim-lin", at=noon.isoformat())
    sending.round_of_sends()
    run_flows()

    assert Touch.objects.get(member=willing, policy__key="new").state == "delivered"
    task.refresh_from_db()
    assert (Send.objects.get().state, task.state) == ("confirmed", "cancelled")


def test_a_group_send_cannot_name_its_customer(shop: Shop, noon: datetime) -> None:
    with pytest.raises(ValidationFailed) as refused:
        shop.policy("named", channel="wecom", template="{{ nickname }}，您好")

    assert [(e["pointer"], e["code"]) for e in refused.value.facts["errors"]] == [("/template", "one_text")]
