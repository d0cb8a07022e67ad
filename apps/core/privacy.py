"""What core holds about members."""

from django.contrib.auth.hashers import make_password
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding, Purge
from apps.core.models import User

HOLDINGS = (
    Holding(
        model="core.User",
        sensitivity="personal",
        member="member__id",
        export=("created_at", "last_login", "is_active"),
        on_erase="keep",
        on_merge="stay",
        purpose="access",
        reason=_("A closed account without a name: old acts in the audit trail point to it."),
        blank=("last_login",),
    ),
    Holding(
        model="core.TokenFamily",
        sensitivity="personal",
        member="user__member__id",
        export=("client", "label", "created_at", "seen_at", "expires_at", "revoked_at"),
        on_erase="delete",
        on_merge="stay",
        retain_days=30,
        since="expires_at",
        purpose="access",
    ),
    Holding(
        model="core.TokenPair",
        sensitivity="technical",
        member="family__user__member__id",
        export=(),
        on_erase="delete",
        on_merge="stay",
        retain_days=1,
        since="refresh_expires_at",
        purpose="access",
    ),
    Holding(
        model="core.IdempotencyKey",
        sensitivity="technical",
        member="member_id",
        export=("route", "status", "created_at"),
        on_erase="delete",
        on_merge="stay",
        retain_days=1,
        since="created_at",
        purpose="access",
    ),
)
IMPERSONAL = (
    "core.Alert",
    "core.Approval",  # ids of what it is about; no names
    "core.AuditEntry",  # names objects by id; before and after of personal columns are hidden by their trigger
    "core.AuditSeal",
    "core.BrandSetting",
    "core.Heartbeat",
    "core.Job",
    "core.RateWindow",
    "core.RequestLine",  # names accounts by id and ends after 7 days
    "core.TaskRun",
)
PURGES = (
    Purge(model="core.RequestLine", days=7, since="at"),
    Purge(model="core.TaskRun", days=14, since="started_at"),
    Purge(model="core.Job", days=365, since="finished_at"),
    Purge(model="core.Alert", days=365, since="seen_at"),
)


def _close_account(member_id: int) -> None:
    """Nobody logs in to it any more, and its name says nothing."""
    name = Concat(Value("erased-"), Cast("pk", CharField()))
    User.objects.filter(member__id=member_id).update(username=name, password=make_password(None), is_active=False)


ERASES = (_close_account,)
