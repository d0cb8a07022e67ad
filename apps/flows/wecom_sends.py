"""A group send in WeCom: its colleague gets a follow-up to confirm it, and care hears what came of each message."""

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.care import receipts
from apps.community.models import Account, Send, SendItem
from apps.events.models import Event
from apps.followups import assigning
from apps.followups import services as followups
from apps.gateways.messages import Receipt

DUE_AFTER = timedelta(hours=4)


def give_task(event: Event) -> None:
    """For whoever is linked to the house's staff; others see it in WeCom alone."""
    send = Send.objects.get(pk=event.payload["send_id"])
    staff = Account.objects.filter(userid=send.userid).values_list("staff_id", "staff__store_id").first()
    if staff is None or staff[0] is None or send.settled_at is not None:
        return
    task = assigning.NewTask(
        source=_source(send.pk),
        kind="message",
        title=_("Confirm the group send in WeCom"),
        note=send.text[:500],
        due_at=min(send.made_at + DUE_AFTER, send.until),
        expires_at=send.until,
        store_id=staff[1],
        assignee_id=staff[0],
    )
    assigning.assign_many([task])


def call_off_task(event: Event) -> None:
    """Confirmed or called off: nothing is left to do."""
    followups.cancel_by_sources(sources=[_source(event.payload["send_id"])])


def tell_care(event: Event) -> None:
    """Delivered or not, per message; care passes over keys that are not its own."""
    items = SendItem.objects.filter(pk__in=event.payload["item_ids"]).order_by("pk")
    receipts.take(
        Receipt(item.key, item.state == SendItem.State.DELIVERED, item.code, f"wecom:{item.pk}", event.created_at)
        for item in items
    )


def _source(send_id: int) -> str:
    return f"wecom:send:{send_id}"
