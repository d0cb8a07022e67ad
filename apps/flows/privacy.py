"""A member's rights over their data: a copy, erasure after a waiting time, and how far each wish is.

The portal, the interface and staff ask here. The work is done in `export.py` and `erasure.py`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from apps.core import audit, ciphers, clock, ids, jobs, requests
from apps.core.errors import NotFound
from apps.core.holdings import Holding
from apps.events.models import Event
from apps.flows.errors import ExportNotThere, MemberErased
from apps.flows.models import PrivacyRequest
from apps.members import identities, login, states
from apps.members.models import Member

EXPORT_JOB = "privacy.export"
READY_WITHIN = timedelta(minutes=15)
PREFIX = "prv"

HOLDINGS = (
    Holding(
        model="flows.PrivacyRequest",
        sensitivity="sensitive",
        member="member_id",
        export=("kind", "state", "asked_at", "due_at", "settled_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_("Proof that the wish was met; it holds no name and no number."),
        blank=("sealed", "language"),
        purpose="rights",
    ),
    Holding(
        model="flows.Erased",
        sensitivity="technical",
        member="member_id",
        export=("at",),
        on_erase="keep",
        on_merge="stay",
        reason=_("So that a restored backup is erased again."),
        purpose="rights",
    ),
    Holding(
        model="flows.OwnCard",
        sensitivity="technical",
        member="member_id",
        export=(),
        on_erase="delete",
        on_merge="move",
    ),
    Holding(
        model="flows.Checkout",
        sensitivity="personal",
        member="order__member_id",
        export=("at", "gross_cents", "points_spent", "undone_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_("The books of the order it belongs to."),
        purpose="orders",
    ),
)
IMPERSONAL = ("flows.LiveWeek",)


@dataclass(frozen=True)
class Erasure:
    """An erasure that was asked for. It may be taken back until `effective_at`."""

    asked_at: datetime
    effective_at: datetime


@dataclass(frozen=True)
class Export:
    """The newest copy that was asked for; `expires_at` while it can be downloaded."""

    public_id: str
    state: str
    label: str
    asked_at: datetime
    due_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True)
class File:
    name: str
    content: bytes


@transaction.atomic
def request_export(*, member_id: int) -> int:
    """Ask for a copy of everything, readable in the language of the moment. Returns the job's id; the open one when there is one.

    Raises NotFound, MemberErased.
    """
    _lock(member_id)
    kind, state = PrivacyRequest.Kind.EXPORT, PrivacyRequest.State
    waiting = PrivacyRequest.objects.filter(member_id=member_id, kind=kind, state=state.WAITING).first()
    if waiting and waiting.job_id:
        return waiting.job_id
    moment = clock.now()
    wish = PrivacyRequest.objects.create(
        member_id=member_id,
        kind=kind,
        state=state.WAITING,
        asked_by=requests.origin().actor,
        asked_at=moment,
        due_at=moment + READY_WITHIN,
        language=translation.get_language() or "zh-hans",
    )
    job = jobs.start(kind=EXPORT_JOB, params={"request": wish.pk}, user_id=None)
    PrivacyRequest.objects.filter(pk=wish.pk).update(job=job)
    audit.record("privacy.export_asked", object_type="member", object_id=member_id)
    return job.pk


def take_export(*, member_id: int, family_id: int) -> File:
    """The ready file, once, after a fresh step-up. Raises StepUpRequired, ExportNotThere."""
    login.require_step_up(family_id=family_id)
    with transaction.atomic():
        ready = PrivacyRequest.objects.select_for_update().filter(
            member_id=member_id, kind=PrivacyRequest.Kind.EXPORT, state=PrivacyRequest.State.READY
        )
        wish = ready.filter(expires_at__gt=clock.now()).order_by("-pk").first()
        if wish is None or wish.sealed is None:
            raise ExportNotThere
        plain = ciphers.decrypt_bytes(
            person_key=identities.person_key(member_id), blob=bytes(wish.sealed), context=export_context(wish.pk)
        )
        wish.state, wish.sealed, wish.settled_at = PrivacyRequest.State.TAKEN, None, clock.now()
        wish.save(update_fields=["state", "sealed", "settled_at"])
        audit.record("privacy.export_taken", object_type="member", object_id=member_id)
    return File(name=f"siyu-{ids.encode(PREFIX, wish.pk)}.zip", content=plain)


def export_context(request_id: int) -> str:
    """Names the field of a sealed file."""
    return f"export:{request_id}"


@transaction.atomic
def request_erasure(*, member_id: int, reason: str = "") -> Erasure:
    """End the membership: messages stop at once, the erasure runs after the cool-off.

    Asked again: the same end. `reason` is for staff who pass the wish on. Raises NotFound, MemberErased.
    """
    if (
        _lock(member_id).status != Member.Status.CANCELLED
    ):  # who came back a moment ago: the fact may still be on its way
        _close(member_id)
    effective_at = states.cancel(member_id=member_id, reason=reason)
    wish, is_new = PrivacyRequest.objects.get_or_create(
        member_id=member_id,
        kind=PrivacyRequest.Kind.ERASURE,
        state=PrivacyRequest.State.COOLING,
        defaults={"asked_by": requests.origin().actor, "asked_at": clock.now(), "due_at": effective_at},
    )
    if is_new:
        audit.record("privacy.erasure_asked", object_type="member", object_id=member_id)
    return Erasure(asked_at=wish.asked_at, effective_at=wish.due_at)


def _open_wishes(member_id: int) -> QuerySet[PrivacyRequest]:
    kind, state = PrivacyRequest.Kind.ERASURE, PrivacyRequest.State.COOLING
    return PrivacyRequest.objects.filter(member_id=member_id, kind=kind, state=state)


def export_of(member_id: int) -> Export | None:
    """The newest copy that was asked for, whatever became of it."""
    exports = PrivacyRequest.objects.filter(member_id=member_id, kind=PrivacyRequest.Kind.EXPORT).defer("sealed")
    wish = exports.order_by("-pk").first()
    if wish is None:
        return None
    state = PrivacyRequest.State(wish.state)
    if state is PrivacyRequest.State.READY and wish.expires_at and wish.expires_at <= clock.now():
        state = PrivacyRequest.State.EXPIRED
    return Export(
        public_id=ids.encode(PREFIX, wish.pk),
        state=state.value,
        label=str(state.label),
        asked_at=wish.asked_at,
        due_at=wish.due_at,
        expires_at=wish.expires_at if state is PrivacyRequest.State.READY else None,
    )


@transaction.atomic
def close_wish(event: Event) -> None:
    """After `member.came_back`, through whichever door: the wish to be erased is taken back with it.

    Not when they have left again meanwhile: then the open wish is a new one.
    """
    member = Member.objects.select_for_update().get(pk=event.payload["member_id"])
    if member.status not in {Member.Status.CANCELLED, Member.Status.ERASED}:
        _close(member.pk)


def _close(member_id: int) -> None:
    _open_wishes(member_id).update(state=PrivacyRequest.State.CANCELLED, settled_at=clock.now())


def _lock(member_id: int) -> Member:
    member = Member.objects.select_for_update().filter(pk=member_id).first()
    if member is None:
        raise NotFound
    if member.status == Member.Status.ERASED:
        raise MemberErased
    return member
