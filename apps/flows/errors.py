"""What the stories may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class ExportNotThere(DomainError):
    code = "export_not_there"
    status = 404
    title = _("There is no file to download: it was fetched already, or is older than a day. Ask for a new one.")


class MemberErased(DomainError):
    code = "member_erased"
    status = 410
    title = _("This member's data has been erased.")


class SandboxClosed(DomainError):
    code = "sandbox_closed"
    title = _("This installation has no sandbox: API_SANDBOX is off, or a provider is real.")
