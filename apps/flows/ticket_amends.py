"""A ticket made good in points or with a coupon: within the person's own limits at once, above them by a second person; once only.

The limits are those of points and coupons by hand (`points.adjust_limits`, `coupons.hand_out_limits`), and what is given here counts
there. That there is one is a constraint of the table; it is taken back once, by whoever is first.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core import approvals, clock, reasons
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Approval
from apps.coupons import costs, handing, issuing, keeping
from apps.coupons.models import Coupon, Template
from apps.flows import own_cards
from apps.members import selectors as members
from apps.points import adjusting
from apps.points import services as points
from apps.stores import limits
from apps.stores.models import Staff
from apps.tickets import services as tickets
from apps.tickets.models import Amends, Ticket
from apps.tickets.services import Actor

KIND = "tickets.amends"


class AmendsMade(DomainError):
    code = "ticket_amends_made"
    title = gettext_lazy("This ticket was made good before; once is all.")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`points` or `template_id`."""

    ticket_id: int
    points: int = 0
    template_id: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """Either it is done, or it waits for a second person."""

    amends: Amends | None = None
    approval_id: int | None = None


@transaction.atomic
def give(wish: Wish, *, staff: Staff) -> Outcome:
    """Raises AmendsMade, ValidationFailed, NotFound, CouponRefused, and own_cards' refusal."""
    ticket = tickets.locked(wish.ticket_id)
    _check(wish)
    if Amends.objects.filter(ticket=ticket).exists():
        raise AmendsMade
    own_cards.refuse(staff_id=staff.pk, member_id=members.current_id(ticket.member_id))
    if not _is_within(wish, staff):
        return Outcome(approval_id=_ask(ticket, wish, staff).pk)
    return Outcome(amends=_do(ticket, wish, staff_id=staff.pk, store_id=staff.store_id))


@transaction.atomic
def take_back(*, ticket_id: int, staff: Staff, reason: str) -> bool:
    """False: it was taken back before. Raises NotFound, ValidationFailed, CouponRefused (it was used)."""
    row = Amends.objects.select_for_update().filter(ticket_id=ticket_id).first()
    if row is None:
        raise NotFound
    if not reasons.said(reason):
        raise _wrong("/reason", _("Say why, in a few words."))
    if row.taken_back_at is not None:
        return False
    if row.kind == "points":
        by = points.By(staff_id=staff.pk, store_id=staff.store_id, note=reasons.said(reason))
        points.reverse(entry_id=row.given_key, amount=row.worth, source=f"{_source(ticket_id)}:back", by=by)
    else:
        keeping.recall(coupon_id=row.given_key, by=staff.user, note=reasons.said(reason))
    row.taken_back_at = clock.now()
    row.save(update_fields=["taken_back_at"])
    ticket = tickets.locked(ticket_id)
    tickets.note(
        ticket, "amends_back", by=Actor("house", staff.pk), moment=row.taken_back_at, after={"worth": row.worth}
    )
    return True


def _check(wish: Wish) -> None:
    if not reasons.said(wish.reason):
        raise _wrong("/reason", _("Say why, in a few words."))
    if (wish.points > 0) == (wish.template_id is not None) or not 0 <= wish.points <= points.MOST:
        raise _wrong("/points", _("Say how many points, or choose a coupon."))
    if wish.template_id is not None:
        _template(wish.template_id)


def _is_within(wish: Wish, staff: Staff) -> bool:
    """Wishes of one person are judged one after the other, so that no sum slips past the limit of the day."""
    if wish.template_id is None:
        adjusting.lock(staff_id=staff.pk)
        allowed = adjusting.limits(staff.role)
        today = adjusting.granted_today(staff_id=staff.pk)
        return wish.points <= allowed["each"] and today + wish.points <= allowed["day"]
    limits.take_turn(handing.KIND, staff_id=staff.pk)
    allowed, most = handing.limits(staff.role), _most(_template(wish.template_id))
    return (
        most is not None
        and most <= allowed["each"]
        and handing.handed_today(staff_id=staff.pk) + most <= allowed["day"]
    )


def _ask(ticket: Ticket, wish: Wish, staff: Staff) -> Approval:
    """One open question for a ticket; after a refusal it may be asked anew."""
    asked = Approval.objects.filter(kind=KIND, source__startswith=f"{KIND}:{ticket.pk}:")
    if (waits := asked.filter(state=Approval.State.WAITING).first()) is not None:
        return waits
    params: dict[str, Any] = {
        "ticket_id": ticket.pk, "points": wish.points, "template_id": wish.template_id, "staff_id": staff.pk,
    }  # fmt: skip
    return approvals.ask(
        kind=KIND,
        source=f"{KIND}:{ticket.pk}:{asked.count()}",
        params=params,
        reason=reasons.said(wish.reason),
        user_id=staff.user_id or 0,
        store_id=ticket.store_id,
    )


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    said = asked.params
    ticket = tickets.locked(said["ticket_id"])
    if Amends.objects.filter(ticket=ticket).exists():
        raise AmendsMade
    wish = Wish(
        ticket_id=ticket.pk, points=said["points"], template_id=said["template_id"], reason=asked.reason
    )  # fmt: skip
    _do(ticket, wish, staff_id=said["staff_id"], store_id=asked.store_id)


def _do(ticket: Ticket, wish: Wish, *, staff_id: int, store_id: int | None) -> Amends:
    member_id, source = members.current_id(ticket.member_id), _source(ticket.pk)
    if wish.template_id is None:
        by = points.By(staff_id=staff_id, store_id=store_id, note=reasons.said(wish.reason))
        posted = points.adjust(member_id=member_id, amount=wish.points, source=source, by=by)
        kind, worth, key = "points", wish.points, posted.entry_id
    else:
        issued = issuing.issue(
            member_id=member_id, template_id=wish.template_id, source=source, channel=Coupon.Channel.STAFF,
            by=issuing.By(staff_id=staff_id, store_id=store_id),
        )  # fmt: skip
        kind, worth, key = "coupon", _most(_template(wish.template_id)) or 1, issued.coupon_id
    row = Amends.objects.create(ticket=ticket, kind=kind, worth=worth, given_key=key or 0, by_id=staff_id)
    tickets.note(ticket, "amends", by=Actor("house", staff_id), moment=row.at, after={"amends": kind, "worth": worth})
    return row


def _template(template_id: int) -> Template:
    row = Template.objects.select_related("version").filter(pk=template_id).first()
    if row is None or row.version is None:
        raise NotFound
    return row


def _most(row: Template) -> int | None:
    return costs.most_saved(row.version.terms) if row.version else None


def _source(ticket_id: int) -> str:
    return f"ticket:{ticket_id}:amends"


def _wrong(pointer: str, message: str) -> ValidationFailed:
    return ValidationFailed(errors=[{"pointer": pointer, "code": "invalid", "message": message}])


approvals.register(KIND, run=_run, permission="tickets.refund_agree", title=gettext_lazy("A ticket made good"))
