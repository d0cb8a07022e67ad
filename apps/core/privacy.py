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
)
IMPERSONAL = (
    "core.AuditEntry",  # names objects by id; before and after of personal columns are hidden by their trigger
    "core.BrandSetting",
    "core.Heartbeat",
    "core.Job",
    "core.TaskRun",
)
PURGES = (Purge(model="core.TaskRun", days=14, since="started_at", only={"finished_at__isnull": False}),)
