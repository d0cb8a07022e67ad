"""Commissions of two levels on what invited friends buy and keep: frozen for days, then free, paid out by hand, gone with a refund.

A balance is the sum of what is free less what was asked for or paid. A refund after the payment makes it negative: what comes next
makes it good first, and nothing is paid out meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.members import selectors as members
from apps.members.models import Member
from apps.orders.models import Order
from apps.orders.moves import PAID_STATES
from apps.referral.errors import WithdrawalSettled, WithdrawalTooLarge, WithdrawalTooSmall
from apps.referral.models import Commission, Credit, Program, Withdrawal

# A friend whose first order came back is still one: what they keep of others counts.
_OVER = Q(stage__in=[Credit.Stage.VOID, Credit.Stage.UNDONE]) & ~Q(why=Credit.Why.REFUNDED)
State = Withdrawal.State


@dataclass(frozen=True)
class Standing:
    """分. `free` may be negative: more was paid out than is kept by now."""

    frozen: int
    free: int
    asked: int
    paid: int


@transaction.atomic
def follow(*, order_id: int, terms: Program) -> None:
    """The order was paid, or given back in part or whole: its commissions are what they should be. Repeatable, in any order."""
    order = Order.objects.select_for_update().get(pk=order_id)
    rows = list(Commission.objects.select_for_update().filter(order=order).order_by("level"))
    if not rows and terms.is_on and order.status in PAID_STATES:
        rows = _earn(order, terms)
    over = set(Credit.objects.filter(_OVER, pk__in=[row.credit_id for row in rows]).values_list("pk", flat=True))
    is_over = False  # a friendship that does not count takes the level above it along
    for row in rows:
        is_over = is_over or row.credit_id in over
        kept = 0 if is_over or order.status not in PAID_STATES else _share(order, row.permille)
        _take(row, down_to=kept)


@transaction.atomic
def take_back(*, credit_id: int) -> None:
    """The friendship does not count any more: what it brought is gone, at both levels of what this friend bought."""
    own = Commission.objects.filter(credit_id=credit_id)
    bought = own.filter(level=1).values("order")
    Commission.objects.filter(Q(pk__in=own.values("pk")) | Q(order__in=bought)).update(taken_cents=F("earned_cents"))


def free_due(*, moment: datetime) -> int:
    """Whose days are over. Returns how many."""
    return Commission.objects.filter(freed_at=None, due_at__lte=moment).update(freed_at=moment)


@transaction.atomic
def withdraw(*, member_id: int, cents: int, source: str, least: int) -> Withdrawal:
    """The same `source` is the same one. Raises WithdrawalTooSmall, WithdrawalTooLarge; two at once never take more than there is."""
    member_id = members.current_id(member_id)
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if done := Withdrawal.objects.filter(source=source, member_id=member_id).first():
        return done
    if cents < max(least, 1):
        raise WithdrawalTooSmall(least=f"{least / 100:.2f}")
    if cents > standing(member_id).free:
        raise WithdrawalTooLarge
    return Withdrawal.objects.create(member_id=member_id, amount_cents=cents, source=source, asked_at=clock.now())


@transaction.atomic
def settle(*, withdrawal_id: int, is_paid: bool, reference: str, user_id: int) -> Withdrawal:
    """Paid by whatever way (`reference` names it), or refused (it says why). Raises NotFound, WithdrawalSettled, WithdrawalTooLarge:
    what was free is not any more, so it can be refused only."""
    seen = Withdrawal.objects.filter(pk=withdrawal_id).first()
    if seen is None:
        raise NotFound
    owner = members.current_id(seen.member_id)
    Member.objects.select_for_update(no_key=True).get(pk=owner)
    row = Withdrawal.objects.select_for_update().get(pk=withdrawal_id)
    if row.state != State.ASKED:
        raise WithdrawalSettled
    if is_paid and standing(owner).free < 0:
        raise WithdrawalTooLarge
    row.state, row.settled_at = State.PAID if is_paid else State.REFUSED, clock.now()
    row.settled_by_id, row.reference = user_id, reference.strip()[:60]
    row.save()
    after = {"state": str(row.state), "cents": row.amount_cents}
    audit.record("referral.withdrawal_settled", object_type="withdrawal", object_id=row.pk, after=after)
    return row


def standing(member_id: int) -> Standing:
    family = members.family(members.current_id(member_id))
    kept = F("earned_cents") - F("taken_cents")
    found = Commission.objects.filter(member_id__in=family).aggregate(
        frozen=Sum(kept, filter=Q(freed_at=None)), freed=Sum(kept, filter=Q(freed_at__isnull=False))
    )
    out = Withdrawal.objects.filter(member_id__in=family).aggregate(
        asked=Sum("amount_cents", filter=Q(state=State.ASKED)), paid=Sum("amount_cents", filter=Q(state=State.PAID))
    )
    frozen, asked, paid = found["frozen"] or 0, out["asked"] or 0, out["paid"] or 0
    return Standing(frozen=frozen, free=(found["freed"] or 0) - asked - paid, asked=asked, paid=paid)


def withdrawals_of(member_id: int) -> QuerySet[Withdrawal]:
    """Newest first."""
    return Withdrawal.objects.filter(member_id__in=members.family(members.current_id(member_id))).order_by("-pk")


def to_settle() -> QuerySet[Withdrawal]:
    """Those that somebody waits for, the oldest first."""
    return Withdrawal.objects.filter(state=State.ASKED).select_related("member").order_by("pk")


def _earn(order: Order, terms: Program) -> list[Commission]:
    """The inviter of the buyer, and theirs; both only while the friendship counts, and never the buyer themselves."""
    made: list[Commission] = []
    buyer = who = members.current_id(order.member_id or 0)
    for level, permille in ((1, terms.first_permille), (2, terms.second_permille)):
        credit = _credit_of(who)
        if credit is None or order.paid_at is None:
            break
        until = credit.registered_at + timedelta(days=terms.commission_days)
        who = members.current_id(credit.advocate_id)
        is_member = Member.objects.filter(pk=who, status=Member.Status.ACTIVE).exists()
        if who == buyer or (level == 1 and not credit.registered_at - timedelta(days=1) <= order.paid_at <= until):
            break
        cents = _share(order, permille)
        if cents > 0 and is_member:
            due_at = order.paid_at + timedelta(days=terms.freeze_days)
            made.append(
                Commission.objects.create(
                    order=order,
                    level=level,
                    credit=credit,
                    member_id=who,
                    permille=permille,
                    earned_cents=cents,
                    due_at=due_at,
                )
            )
    return made


def _credit_of(member_id: int) -> Credit | None:
    """By which a member came, if it counts or still may."""
    rows = Credit.objects.filter(friend_id__in=members.family(member_id)).exclude(_OVER)
    return rows.order_by("pk").first()


def _share(order: Order, permille: int) -> int:
    return (order.total_cents - order.refunded_cents) * permille // 1000


def _take(row: Commission, *, down_to: int) -> None:
    taken = max(row.taken_cents, row.earned_cents - down_to)
    if taken != row.taken_cents:
        row.taken_cents = taken
        row.save(update_fields=["taken_cents"])
