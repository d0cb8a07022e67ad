"""Four eyes: what one person asks for, another must agree to before it is done. The one way past a limit, from whatever door.

An app registers a kind with what agreeing does; `decide` runs it in the transaction of the decision. That asker and decider differ
is a constraint of the table, not only a line here.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import audit, clock
from apps.core.errors import DomainError, Forbidden, NotFound
from apps.core.models import Approval

KEPT_OPEN = timedelta(days=7)
Run = Callable[[Approval], None]


class ApprovalRequired(DomainError):
    code = "approval_required"
    status = 403
    title = _("This is over your limit of %(limit)s. A second person has to agree.")


class AlreadyDecided(DomainError):
    code = "already_decided"
    title = _("Somebody has decided on this before.")


class OwnApproval(DomainError):
    code = "approval_needs_another"
    status = 403
    title = _("Whoever asked cannot agree. Another person has to decide.")


@dataclass(frozen=True)
class Kind:
    """What agreeing does, the permission it takes, and what the page calls it. `run` may refuse: then nothing is decided."""

    run: Run
    permission: str
    title: str | Promise


KINDS: dict[str, Kind] = {}


def register(name: str, *, run: Run, permission: str, title: str | Promise) -> None:
    KINDS[name] = Kind(run=run, permission=permission, title=title)


@transaction.atomic
def ask(
    *, kind: str, source: str, params: dict[str, Any], reason: str, user_id: int, store_id: int | None = None
) -> Approval:
    """Put it before a second person; the same source again is the same question. Open for seven days."""
    if kind not in KINDS:
        raise NotFound(kind=kind)
    asked, is_new = Approval.objects.get_or_create(
        source=source,
        defaults={"kind": kind, "params": params, "reason": reason, "asked_by_id": user_id, "store_id": store_id},
    )
    if is_new:
        audit.record("approval.asked", object_type="approval", object_id=asked.pk, after={"kind": kind, **params})
    return asked


def ask_once(*, kind: str, params: dict[str, Any], user_id: int, reason: str = "") -> Approval:
    """As `ask`, without a source: while this person's same question is open, that one is answered."""
    found = Approval.objects.filter(kind=kind, state=Approval.State.WAITING, params=params, asked_by_id=user_id).first()
    source = f"{kind}:{secrets.token_hex(8)}"
    return found or ask(kind=kind, source=source, params=params, reason=reason.strip()[:200], user_id=user_id)


@transaction.atomic
def decide(*, approval_id: int, user_id: int, is_agreed: bool, note: str = "") -> Approval:
    """Agree, which does it at once, or refuse. Raises NotFound, AlreadyDecided, OwnApproval, and what the deed itself refuses.

    The caller has checked the kind's permission and reach.
    """
    asked = Approval.objects.select_for_update().filter(pk=approval_id).first()
    if asked is None:
        raise NotFound(approval_id=approval_id)
    if asked.state != Approval.State.WAITING or asked.asked_at + KEPT_OPEN <= clock.now():
        raise AlreadyDecided
    if asked.asked_by_id == user_id:
        raise OwnApproval
    asked.state = Approval.State.APPROVED if is_agreed else Approval.State.REFUSED
    asked.decided_by_id, asked.decided_at, asked.note = user_id, clock.now(), note
    asked.save(update_fields=["state", "decided_by", "decided_at", "note"])
    audit.record(f"approval.{asked.state}", object_type="approval", object_id=asked.pk, after={"kind": asked.kind})
    if is_agreed:
        KINDS[asked.kind].run(asked)
    return asked


def require_open(asked: Approval) -> None:
    """For the deed itself: it may run inside `decide` only. Raises Forbidden."""
    if asked.state != Approval.State.APPROVED or asked.decided_by_id in {None, asked.asked_by_id}:
        raise Forbidden


def lapse_old() -> int:
    """Questions nobody answered in seven days. Returns how many."""
    old = Approval.objects.filter(state=Approval.State.WAITING, asked_at__lte=clock.now() - KEPT_OPEN)
    return old.update(state=Approval.State.LAPSED)
