"""A refund decided on a ticket: the order, points, growth, tier, coupons and rewards, and the ticket itself, in one transaction.

Nothing is reckoned here: the money goes back by `orders.refund`, and what follows a refund (`order.refunded` in `subscriptions`) is
done at once instead of by the worker, each step once as ever. What the member had open before (a payment whose points are still to
come) is done first, so that the refund takes back what was given.

`preview` does all of it, looks, and takes it back: what it says is what will happen, as long as nothing else does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.core import approvals, clock
from apps.core.errors import DomainError, NotFound, ValidationFailed
from apps.core.models import Approval
from apps.coupons.models import Coupon
from apps.events.models import Event
from apps.flows import services as delivery
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Refund
from apps.points.models import Account
from apps.points.tiers import tier_of
from apps.stores import limits
from apps.stores.models import Role, Staff
from apps.tickets import services as tickets
from apps.tickets.models import Ticket

KIND, SETTING = "tickets.refund", "tickets.refund_alone"
LIMITS: dict[str, int] = {
    Role.ADMIN: 1_000_000,
    Role.REGION_MANAGER: 500_000,
    Role.MANAGER: 200_000,
    Role.AGENT: 50_000,
}


class StoriesBehind(DomainError):
    code = "member_stories_behind"
    is_retryable = True
    title = _("Something else of this member is still being worked on. Try again in a moment; nothing was changed.")


@dataclass(frozen=True)
class Outcome:
    """What a refund did, or will do. `points`: by currency, what the balance (less what is owed) changes by."""

    refunded_cents: int
    points: Mapping[str, int] = field(default_factory=dict)
    coupons_back: tuple[int, ...] = ()  # usable again
    coupons_gone: tuple[int, ...] = ()  # recalled
    tier_before: str = ""
    tier_after: str = ""
    approval_id: int | None = None  # it waits for a second person; nothing was done


class _Looked(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def preview(*, ticket_id: int, cents: Mapping[int, int]) -> Outcome:
    """Exactly what `decide` would do now. `cents`: 分 by order line of the ticket. Raises what `decide` does; nothing stays."""
    _catch_up(ticket_id)
    try:
        with transaction.atomic():
            raise _Looked(_do(ticket_id, cents, by=tickets.HOUSE))
    except _Looked as seen:
        return seen.outcome


def foresee(*, member_id: int, order_id: int, cents: Mapping[int, int]) -> Outcome:
    """What giving back so much of these lines would do now, before anybody asked for it; nothing stays.

    Raises RefundExceeds, StoriesBehind.
    """
    _settle_lane(member_id)
    try:
        with transaction.atomic():
            given = _give_back(member_id=member_id, order_id=order_id, cents=cents, source=f"foreseen:{order_id}")
            raise _Looked(given)
    except _Looked as seen:
        return seen.outcome


def decide(*, ticket_id: int, cents: Mapping[int, int], staff: Staff, reason: str = "") -> Outcome:
    """Within the person's limit at once, above it by a second person, who is asked once. Raises MoveRefused, RefundExceeds,
    ValidationFailed, StoriesBehind, NotFound."""
    ticket = _of(ticket_id)
    _check(ticket, cents)
    if staff.user is None or sum(cents.values()) > limits.alone(SETTING, by=staff.user):
        return Outcome(refunded_cents=0, approval_id=_ask(ticket, cents, staff, reason).pk)
    _catch_up(ticket_id)
    with transaction.atomic():
        return _do(ticket_id, cents, by=tickets.Actor("house", staff.pk))


def _ask(ticket: Ticket, cents: Mapping[int, int], staff: Staff, reason: str) -> Approval:
    params = {
        "ticket_id": ticket.pk,
        "cents": {str(key): amount for key, amount in cents.items()},
        "staff_id": staff.pk,
    }
    source = f"{KIND}:{ticket.pk}:{ticket.version}"
    return approvals.ask(
        kind=KIND,
        source=source,
        params=params,
        reason=reason[:200],
        user_id=staff.user_id or 0,
        store_id=ticket.store_id,
    )


def _run(asked: Approval) -> None:
    """What a second person's agreement does."""
    approvals.require_open(asked)
    cents = {int(key): amount for key, amount in asked.params["cents"].items()}
    _do(asked.params["ticket_id"], cents, by=tickets.Actor("house", asked.params["staff_id"]))


def _do(ticket_id: int, cents: Mapping[int, int], *, by: tickets.Actor) -> Outcome:
    ticket = tickets.move(ticket_id=ticket_id, move="refund", by=by, moment=clock.now())
    _check(ticket, cents)
    source = f"ticket:{ticket.pk}:{ticket.version}"
    return _give_back(member_id=ticket.member_id, order_id=ticket.order_id or 0, cents=cents, source=source)


def _give_back(*, member_id: int, order_id: int, cents: Mapping[int, int], source: str) -> Outcome:
    """`source` names this act of giving back; each line adds itself to it."""
    moment, member_id = clock.now(), members.current_id(member_id)
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    before = _look(member_id)
    for line_id in sorted(cents):
        made = orders.refund(
            order_id=order_id, line_id=line_id, amount_cents=cents[line_id], source=f"{source}:{line_id}",
            refunded_at=moment,
        )  # fmt: skip
        _follow(made)
    return _difference(before, _look(member_id), sum(cents.values()))


def _follow(made: Refund) -> None:
    event = Event.objects.get(key=f"order.refunded:{made.pk}")
    if not delivery.deliver_within(event_id=event.pk):
        raise StoriesBehind


def _catch_up(ticket_id: int) -> None:
    """What the member's lane still owes, done before."""
    _settle_lane(_of(ticket_id).member_id)


def _settle_lane(member_id: int) -> None:
    lane = f"member:{member_id}"
    for key in (
        Event.objects.filter(lane=lane, finished_at=None, parked_at=None).order_by("pk").values_list("pk", flat=True)
    ):
        delivery.deliver(event_id=key)


def _check(ticket: Ticket, cents: Mapping[int, int]) -> None:
    held = set(ticket.lines.values_list("line_id", flat=True))
    if not cents or not set(cents) <= held or any(amount <= 0 for amount in cents.values()):
        message = str(_("Say for each line of the ticket how much goes back."))
        raise ValidationFailed(errors=[{"pointer": "/cents", "code": "invalid", "message": message}])


def _of(ticket_id: int) -> Ticket:
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    return ticket


@dataclass(frozen=True)
class _Seen:
    points: dict[str, int]
    coupons: dict[int, str]
    tier: str


def _look(member_id: int) -> _Seen:
    accounts = Account.objects.filter(member_id=member_id).select_related("currency")
    tier = tier_of(member_ids=[member_id]).get(member_id)
    return _Seen(
        points={row.currency.key: row.balance + row.pending - row.debt for row in accounts},
        coupons=dict(Coupon.objects.filter(member_id=member_id).values_list("pk", "state")),
        tier=tier.key if tier else "",
    )


def _difference(before: _Seen, after: _Seen, cents: int) -> Outcome:
    moved = {key: after.points[key] - before.points.get(key, 0) for key in after.points}
    changed = {key: state for key, state in after.coupons.items() if before.coupons.get(key) != state}
    return Outcome(
        refunded_cents=cents,
        points={key: moved[key] for key in sorted(moved) if moved[key]},
        coupons_back=tuple(sorted(key for key, state in changed.items() if state == Coupon.State.READY)),
        coupons_gone=tuple(sorted(key for key, state in changed.items() if state == Coupon.State.RECALLED)),
        tier_before=before.tier,
        tier_after=after.tier,
    )


limits.declare(SETTING, default=LIMITS, most=10**11)
approvals.register(KIND, run=_run, permission="tickets.refund_agree", title=_("Refund of a ticket"))
