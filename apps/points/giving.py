"""Points from one member to another, as the giver's page needs it: what may be given, to whom, and the gift itself.

Whom a number belongs to is asked by the giver alone, ten times an hour: so nobody reads a list of members out of it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from apps.core import clock, ratelimits
from apps.core.ratelimits import Limit
from apps.members import selectors as members
from apps.members.models import Member
from apps.members.names import half_hidden
from apps.points import services as points
from apps.points.errors import ReceiverUnknown, TooManyReceivers, TransferToSelf
from apps.points.models import Currency, Entry

LOOKS, WINDOW = 10, 3600


@dataclass(frozen=True)
class Terms:
    """`left_today`: points, fees with them, that may still leave today; None: no cap. `fee_percent` comes on top."""

    fee_percent: int
    left_today: int | None
    keeps_expiry: bool

    def fee(self, amount: int) -> int:
        return amount * self.fee_percent // 100


@dataclass(frozen=True)
class Receiver:
    """`name` is half hidden."""

    member_id: int
    name: str


def terms(*, member_id: int, currency: str = "points", moment: datetime | None = None) -> Terms | None:
    """None where these points cannot be given away."""
    said = Currency.objects.values_list("transfer", flat=True).get(key=currency)
    if not said:
        return None
    cap = said.get("daily_cap")
    since = clock.day_start(clock.local_date(moment or clock.now()))
    lines = Entry.objects.filter(
        account__member_id=member_id, account__currency__key=currency, kind=Entry.Kind.TRANSFER_OUT, at__gte=since
    )
    given = -(lines.aggregate(total=Sum("amount"))["total"] or 0)
    return Terms(
        fee_percent=int(said.get("fee_percent", 0)),
        left_today=None if cap is None else max(int(cap) - given, 0),
        keeps_expiry=said.get("expiry", "keep") == "keep",
    )


def find(*, giver_id: int, text: str) -> Receiver:
    """Whose phone or member number that is. Raises TooManyReceivers, ReceiverUnknown, TransferToSelf."""
    if refusal := ratelimits.ask([Limit("points-receiver", str(giver_id), LOOKS, WINDOW, closed=True)]).refusal:
        raise TooManyReceivers(retry_after=refusal.reset)
    named = _named(" ".join(text.split())[:40])
    found = Member.objects.filter(pk=named, status=Member.Status.ACTIVE).first() if named else None
    if found is None:
        raise ReceiverUnknown
    if found.pk == giver_id:
        raise TransferToSelf
    return Receiver(found.pk, half_hidden(found.nickname) or found.member_no)


def give(*, giver_id: int, receiver_id: int, amount: int, token: str) -> points.Posting:
    """`token` of the form makes a repeat a no-op. Raises ReceiverUnknown, and what `services.transfer` does."""
    if not Member.objects.filter(pk=receiver_id, status=Member.Status.ACTIVE).exists():
        raise ReceiverUnknown
    return points.transfer(from_id=giver_id, to_id=receiver_id, amount=amount, source=f"give:{token}")


def _named(text: str) -> int | None:
    if not text:
        return None
    if number := Member.objects.filter(member_no=text).values_list("pk", flat=True).first():
        return members.current_id(number)
    return members.find_by_phone(text)
