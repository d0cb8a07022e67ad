"""What core holds about members."""

from django.utils.translation import gettext_lazy as _

from apps.core.holdings import Holding, Purge

HOLDINGS = (
    Holding(
        model="core.User",
        member="member__id",
        export=("created_at", "last_login", "is_active"),
        on_erase="delete",
        on_merge="stay",
        purpose="access",
        reason=_("The log-in of the account: it holds no name and no number."),
    ),
    Holding(
        model="core.TokenFamily",
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
        member="member_id",
        export=(),
        on_erase="delete",
        on_merge="stay",
        retain_days=1,
        since="created_at",
        purpose="access",
    ),
)
IMPERSONAL = (
    "core.AuditEntry",  # names objects by id; before and after of personal columns are hidden by their trigger
    "core.BrandSetting",
    "core.Heartbeat",
    "core.Job",
    "core.RateWindow",
    "core.TaskRun",
)
PURGES = (Purge(model="core.TaskRun", days=14, since="started_at", only={"finished_at__isnull": False}),)
