"""Who the member of a ticket is, beside the thread: a fixed number of statements, whatever they bought. Names and numbers masked."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.analytics import cautions
from apps.analytics.cautions import Cautions
from apps.analytics.lists import touches as listed_touches
from apps.community.models import GroupMember
from apps.console import coupon_words
from apps.console.ticket_words import name_of
from apps.core import clock, ids
from apps.coupons import wallet
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders import selectors as orders
from apps.points.models import Account
from apps.points.tiers import tier_of
from apps.segments import seen
from apps.segments.models import MemberStats
from apps.tickets import joining, queues
from apps.tickets.models import Ticket

PREFIX = "tkt"
NEWEST = 5


def of(row: Ticket, *, stores: list[int] | None) -> dict[str, Any]:
    """Other tickets: those of the member that the reader may see."""
    member_id, moment = row.member_id, clock.now()
    held = list(Account.objects.filter(member_id=member_id).select_related("currency").order_by("currency_id"))
    in_groups = (
        GroupMember.objects.filter(contact__member_id=member_id, left_at=None).select_related("group").order_by("-pk")
    )
    usable = wallet.usable(member_id=member_id, moment=moment, limit=NEWEST + 1)
    others = queues.seen_by(stores).filter(member_id=member_id).exclude(pk=row.pk).order_by("-pk")[:NEWEST]
    beside = queues.seen_by(stores).filter(pk__in=joining.linked(row.pk)).order_by("pk")
    return {
        "member_id": ids.encode(members.PREFIX, member_id),
        "phone": members.masked_phone(member_id),
        "tier": name_of(tier_of(member_ids=[member_id]).get(member_id)),
        "stats": MemberStats.objects.filter(pk=member_id).first(),
        "notes": _notes(row.member, held, cautions.of(member_id=member_id, ticket_id=row.pk, moment=moment)),
        "accounts": [(name_of(one.currency), one) for one in held],
        "coupons": [(coupon_words.name_of(one.template), one) for one in usable[:NEWEST]],
        "has_more_coupons": len(usable) > NEWEST,
        "orders": orders.newest(member_id=member_id, limit=NEWEST),
        "touches": listed_touches.of_member(member_id=member_id, limit=NEWEST),
        "groups": seen.of_member(member_id)[:NEWEST],
        "chats": [one.group for one in in_groups[:NEWEST]],
        "consents": [line for line in members.consents(member_id) if line.is_newest],
        "others": [(other, ids.encode(PREFIX, other.pk)) for other in others],
        "linked": [(other, ids.encode(PREFIX, other.pk)) for other in beside],
    }


def _notes(member: Member, accounts: Sequence[Account], seen: Cautions) -> list[str]:
    """What to mind before anything is promised, in sentences."""
    notes = [] if member.status == Member.Status.ACTIVE else [str(member.get_status_display())]
    notes += [
        _("Owes %(n)s of: %(name)s") % {"n": one.debt, "name": name_of(one.currency)} for one in accounts if one.debt
    ]
    if seen.refunded:
        told = ngettext(
            "Money back in %(some)s of %(n)s order of a year",
            "Money back in %(some)s of %(n)s orders of a year",
            seen.orders,
        )
        notes.append(told % {"some": seen.refunded, "n": seen.orders})
    if seen.made_good:
        told = ngettext("Made good %(n)s time in 90 days", "Made good %(n)s times in 90 days", seen.made_good)
        notes.append(told % {"n": seen.made_good})
    if seen.complaints:
        told = ngettext("%(n)s more complaint is open", "%(n)s more complaints are open", seen.complaints)
        notes.append(told % {"n": seen.complaints})
    if seen.low_votes:
        told = ngettext(
            "Gave 2 stars or fewer %(n)s time in 90 days",
            "Gave 2 stars or fewer %(n)s times in 90 days",
            seen.low_votes,
        )
        notes.append(told % {"n": seen.low_votes})
    return notes
