"""Members bring friends. One credit per new friend (a unique key); nothing is given before the first order was kept for the promised
days; who is one person, or came round in a ring of up to twenty, gets nothing, and gives back what they got.

`referral.kept` and `referral.undone` (credit_id) are told in the transaction of the change; `apps/flows/referral_rewards.py` gives and
takes back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from apps.activity import codes
from apps.activity.models import Arrival, Code
from apps.core import audit, clock
from apps.core.errors import NotFound
from apps.events import services as events
from apps.members import departures, tagging
from apps.members import selectors as members
from apps.members.models import Member, MemberTag
from apps.orders.models import Order
from apps.orders.moves import PAID_STATES
from apps.referral import climbing, commissions, rings
from apps.referral.errors import InvitationUnknown, InvitedAlready, NotNew, OwnInvitation, ReferralOff
from apps.referral.models import Credit, Invite, Program

KEPT, UNDONE = "referral.kept", "referral.undone"
FRESH = timedelta(days=1)
MONTH = timedelta(days=30)
TARGET = "/my/invited/"
ADVOCATE = "口碑达人"  # the tag by which segments, journeys and campaigns know them
_BY_CODE = "code:"
Stage, Why = Credit.Stage, Credit.Why


def program() -> Program:
    """As it stands; switched off where nobody has set it."""
    return Program.objects.first() or Program()


@transaction.atomic
def set_program(**fields: Any) -> Program:
    """What counts for friends who come from now on."""
    audit.sign()
    row = Program.objects.select_for_update().first() or Program()
    for name, value in fields.items():
        setattr(row, name, value)
    row.changed_at = clock.now()
    row.save()
    return row


@transaction.atomic
def invite(*, member_id: int) -> Invite:
    """The member's own code, made at the first call. Raises NotFound."""
    if not Member.objects.filter(pk=member_id, status=Member.Status.ACTIVE).exists():
        raise NotFound
    found = Invite.objects.select_related("code").filter(member_id=member_id).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            code = codes.create(name="邀请", target=TARGET, channel=Code.Channel.FRIEND)
            return Invite.objects.create(member_id=member_id, code=code, made_at=clock.now())
    except IntegrityError:  # two pages at once
        return Invite.objects.select_related("code").get(member_id=member_id)


@transaction.atomic
def came(*, member_id: int) -> Credit | None:
    """Somebody has registered: the invitation named as their source, or by which their browser came, gets its credit. Repeatable."""
    friend = Member.objects.get(pk=member_id)
    slug = friend.source.removeprefix(_BY_CODE) if friend.source.startswith(_BY_CODE) else ""
    arrival = Arrival.objects.filter(member_id=member_id).values_list("code__slug", flat=True).first()
    invitation = Invite.objects.filter(code__slug=slug or arrival or "").first()
    if invitation is None or not program().is_on or invitation.member_id == member_id:
        return None
    return _credit(friend, invitation)


@transaction.atomic
def accept(*, member_id: int, slug: str) -> Credit:
    """The member names the invitation they came by. The same one again is the same credit.

    Raises ReferralOff, InvitationUnknown, OwnInvitation, NotNew, InvitedAlready.
    """
    friend = Member.objects.get(pk=member_id)
    invitation = Invite.objects.filter(code__slug=slug, code__stopped_at=None).first()
    if not program().is_on:
        raise ReferralOff
    if invitation is None:
        raise InvitationUnknown
    if members.current_id(invitation.member_id) == members.current_id(member_id):
        raise OwnInvitation
    there = Credit.objects.filter(friend_id=member_id).first()
    if there is None:
        has_bought = Order.objects.filter(member_id__in=members.family(member_id), paid_at__isnull=False).exists()
        if friend.joined_at < clock.now() - FRESH or has_bought:
            raise NotNew
        there = _credit(friend, invitation)
    if there.advocate_id != invitation.member_id:
        raise InvitedAlready
    return there


@transaction.atomic
def bought(*, member_id: int, order_id: int | None = None) -> None:
    """An order of the member was paid, or given back in part or whole: their credit follows what is kept, and so do commissions on
    `order_id`. Repeatable."""
    family = members.family(members.current_id(member_id))
    for row in Credit.objects.select_for_update().filter(friend_id__in=family).order_by("pk"):
        if row.stage in (Stage.REGISTERED, Stage.WAITING):
            _follow(row, family)
        elif row.stage == Stage.KEPT and not _is_kept(row):
            end(row, why=Why.REFUNDED)
    if order_id is not None:
        commissions.follow(order_id=order_id, terms=program())


@transaction.atomic
def left(*, member_ids: list[int]) -> None:
    """These members are gone. A friend who went soon was none; what an inviter had open gets nothing. Repeatable."""
    moment = clock.now()
    for row in Credit.objects.select_for_update().filter(friend_id__in=member_ids).order_by("pk"):
        if row.stage != Stage.KEPT or moment < row.registered_at + timedelta(days=row.leave_days):
            end(row, why=Why.LEFT)
    open_ones = Credit.objects.filter(advocate_id__in=member_ids, stage__in=[Stage.REGISTERED, Stage.WAITING])
    for row in open_ones.select_for_update().order_by("pk"):
        end(row, why=Why.LEFT)


@transaction.atomic
def look_again(*, member_id: int) -> None:
    """Two records turned out to be one person: what counts by now. What is taken back stays so if the merge is undone."""
    end_ring(rings.of(member_id))
    family = members.family(members.current_id(member_id))
    as_friend = list(Credit.objects.select_for_update().filter(friend_id__in=family).order_by("pk"))
    first = min(Member.objects.filter(pk__in=family).values_list("joined_at", flat=True))
    for place, row in enumerate(as_friend):
        if members.current_id(row.advocate_id) == members.current_id(member_id):
            end(row, why=Why.SELF)
        elif place or first < row.registered_at - FRESH:
            end(row, why=Why.KNOWN)


@transaction.atomic
def name_advocates(*, member_ids: Sequence[int]) -> int:
    """These members get the tag of advocates. Returns how many had not got it yet. Repeatable."""
    pairs = [(member_id, ADVOCATE) for member_id in sorted(set(member_ids))]
    _rows, named = tagging.give_named(pairs=pairs, source=MemberTag.Source.MANUAL)
    audit.record("referral.advocates_named", object_type="referral_program", after={"members": sorted(set(member_ids))})
    return named


def settle_due(*, moment: datetime) -> int:
    """Credits whose days are over: they count, or say why not. Returns how many were looked at."""
    due = Credit.objects.filter(stage=Stage.WAITING, due_at__lte=moment).order_by("due_at")
    return sum(_settle(pk, moment) for pk in list(due.values_list("pk", flat=True)[:1000]))


def end(row: Credit, *, why: str) -> None:
    """It does not count (any more). Over already: nothing. The row is locked."""
    if row.stage in (Stage.VOID, Stage.UNDONE):
        return
    was_kept = row.stage == Stage.KEPT
    row.stage, row.why, row.ended_at = (Stage.UNDONE if was_kept else Stage.VOID), why, clock.now()
    row.save(update_fields=["stage", "why", "ended_at"])
    if why != Why.REFUNDED:  # of a refund the order itself says how much is gone
        commissions.take_back(credit_id=row.pk)
    if was_kept:
        _tell(UNDONE, row)
        climbing.count_anew(advocate_id=row.advocate_id, terms=program())


def end_ring(credit_ids: list[int]) -> None:
    """All of a ring is worth nothing; where it is one link long, a person invited themselves."""
    why = Why.SELF if len(credit_ids) == 1 else Why.RING
    for row in Credit.objects.select_for_update().filter(pk__in=credit_ids).order_by("pk"):
        end(row, why=why)


def _credit(friend: Member, invitation: Invite) -> Credit:
    """The first invitation counts, whatever comes at the same moment."""
    terms = program()
    promised = {name: getattr(terms, name) for name in ("points", "coupon", "friend_points", "friend_coupon")}
    held = {name: getattr(terms, name) for name in ("least_cents", "keep_days", "leave_days")}
    row, is_new = Credit.objects.get_or_create(
        friend=friend,
        defaults={"advocate_id": invitation.member_id, "registered_at": clock.now(), **promised, **held},
    )
    if is_new:
        _judge(row)
        bought(member_id=friend.pk)
        row.refresh_from_db()
    return row


def _judge(row: Credit) -> None:
    """Who was here before, who is one of too many from one place, and who comes round."""
    row = Credit.objects.select_for_update().get(pk=row.pk)
    phone = members.phones([row.friend_id]).get(row.friend_id)
    if phone is not None and departures.was_here(phone):
        end(row, why=Why.KNOWN)
        return
    if (network := members.network_of(row.friend_id)) is not None:
        _note_network(row, network)
    end_ring(rings.of(row.friend_id))


def _note_network(row: Credit, network: bytes) -> None:
    """Behind one address may be a household, or a table of phones. The inviter is locked: of two at once each counts the other."""
    advocate = Member.objects.select_for_update(no_key=True).get(pk=members.current_id(row.advocate_id))
    row.network = network
    row.save(update_fields=["network"])
    theirs = Credit.objects.filter(advocate_id__in=members.family(advocate.pk), network=network).exclude(pk=row.pk)
    if theirs.filter(registered_at__gt=row.registered_at - MONTH).count() >= program().most_per_network:
        end(row, why=Why.NETWORK)


def forget_networks(*, moment: datetime) -> int:
    """Of friends who came more than thirty days ago. Returns how many."""
    return Credit.objects.filter(network__isnull=False, registered_at__lte=moment - MONTH).update(network=None)


def _follow(row: Credit, family: list[int]) -> None:
    """The earliest order of which enough is kept is the first one; its days run from its payment."""
    paid = Order.objects.filter(member_id__in=family, status__in=PAID_STATES, paid_at__gte=row.registered_at - FRESH)
    first = next(
        (one for one in paid.order_by("paid_at", "pk") if one.total_cents - one.refunded_cents >= row.least_cents), None
    )
    row.order = first
    row.stage = Stage.WAITING if first else Stage.REGISTERED
    row.due_at = first.paid_at + timedelta(days=row.keep_days) if first and first.paid_at else None
    row.save(update_fields=["order", "stage", "due_at"])


def _is_kept(row: Credit) -> bool:
    order = row.order
    return (
        order is not None
        and order.status in PAID_STATES
        and order.total_cents - order.refunded_cents >= row.least_cents
    )


@transaction.atomic
def _settle(credit_id: int, moment: datetime) -> int:
    """The inviter is locked first: two friends whose days end at once do not both take the last place of the month."""
    seen = Credit.objects.get(pk=credit_id)
    advocate = Member.objects.select_for_update(no_key=True).get(pk=members.current_id(seen.advocate_id))
    row = Credit.objects.select_for_update().get(pk=credit_id)
    if row.stage != Stage.WAITING or row.due_at is None or row.due_at > moment:
        return 0
    if not _is_kept(row):
        _follow(row, members.family(members.current_id(row.friend_id)))
        return 1
    friend = Member.objects.get(pk=members.current_id(row.friend_id))
    end_ring(rings.of(row.friend_id))
    row.refresh_from_db()
    if row.stage != Stage.WAITING:
        return 1
    if advocate.status != Member.Status.ACTIVE or friend.status != Member.Status.ACTIVE:
        end(row, why=Why.LEFT)
    elif _paid_lately(advocate.pk, moment) >= program().most_per_month:
        end(row, why=Why.CAP)
    else:
        row.stage, row.kept_at = Stage.KEPT, moment
        row.save(update_fields=["stage", "kept_at"])
        _tell(KEPT, row)
        climbing.count_anew(advocate_id=advocate.pk, terms=program())
    return 1


def _paid_lately(advocate_id: int, moment: datetime) -> int:
    mine = Credit.objects.filter(advocate_id__in=members.family(advocate_id), stage=Stage.KEPT)
    return mine.filter(kept_at__gt=moment - MONTH).count()


def _tell(name: str, row: Credit) -> None:
    events.publish(name, key=str(row.pk), lane=f"member:{members.current_id(row.advocate_id)}", credit_id=row.pk)
