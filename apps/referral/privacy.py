"""What referral holds about members: their own code, whom they brought, by whom they came."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.activity.models import Code
from apps.core import clock
from apps.core.holdings import Holding
from apps.referral.models import Credit, Invite

_BOOKS = _("Who got points or coupons for whom: business records. Without the identities nobody can tell who they are.")

HOLDINGS = (
    Holding(
        model="referral.Invite",
        sensitivity="technical",
        member="member_id",
        export=("code", "made_at"),
        on_erase="keep",  # printed and sent about: the code is stopped
        on_merge="stay",
        reason=_BOOKS,
    ),
    Holding(
        model="referral.Credit",
        sensitivity="personal",
        member="friend_id",
        export=("stage", "registered_at", "kept_at", "ended_at"),
        on_erase="keep",
        on_merge="stay",
        reason=_BOOKS,
    ),
    Holding(
        model="referral.Step",
        sensitivity="technical",
        member="advocate_id",
        export=("friends", "points", "reached_at", "lost_at"),
        on_erase="keep",
        on_merge="stay",  # counted over all records of a person
        reason=_BOOKS,
    ),
    Holding(
        model="referral.Commission",
        sensitivity="personal",
        member="member_id",
        export=("level", "earned_cents", "taken_cents", "due_at"),
        on_erase="keep",
        on_merge="stay",  # summed up over all records of a person
        reason=_BOOKS,
    ),
    Holding(
        model="referral.Withdrawal",
        sensitivity="personal",
        member="member_id",
        export=("amount_cents", "state", "asked_at", "settled_at", "reference"),
        on_erase="keep",
        on_merge="stay",
        blank=("reference",),  # may name an account
        reason=_BOOKS,
    ),
)
IMPERSONAL = ("referral.Program",)


def _credits(member_id: int) -> list[dict[str, object]]:
    """Both sides of it: that one was invited, and that one invited; the other person stays out."""
    rows = Credit.objects.filter(Q(friend_id=member_id) | Q(advocate_id=member_id)).order_by("pk")
    return [
        {
            "stage": row.stage,
            "registered_at": row.registered_at,
            "kept_at": row.kept_at,
            "ended_at": row.ended_at,
        }
        for row in rows
    ]


SHOWN = {"referral.Credit": _credits}


def _stop_code(member_id: int) -> None:
    codes = Invite.objects.filter(member_id=member_id).values("code_id")
    Code.objects.filter(pk__in=codes, stopped_at=None).update(stopped_at=clock.now())


def _forget_network(member_id: int) -> None:
    Credit.objects.filter(friend_id=member_id).update(network=None)


ERASES = (_stop_code, _forget_network)
