"""What the frame itself may refuse, before or instead of a rule."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, ValidationFailed


class Malformed(DomainError):
    code = "malformed_request"
    status = 400
    title = _("The request cannot be read: its body must be JSON in UTF-8.")


class VersionUnknown(DomainError):
    code = "api_version_unknown"
    status = 400
    title = _("There is no such Api-Version.")


class TestClockRefused(DomainError):
    code = "test_clock_refused"
    status = 400
    title = _("Only sandbox keys may set Test-Clock, to a time with offset within ten years.")


class ScopeMissing(DomainError):
    code = "forbidden"
    status = 403
    title = _("This token or key may not do this.")


class NothingHere(DomainError):
    """Also for what is there and belongs to somebody else."""

    code = "not_found"
    status = 404
    title = _("This does not exist.")


class MethodNotAllowed(DomainError):
    code = "method_not_allowed"
    status = 405
    title = _("This address does not know this method.")


class NotAcceptable(DomainError):
    code = "not_acceptable"
    status = 406
    title = _("Answers are JSON only.")


class PreconditionFailed(DomainError):
    """Facts: `current`, the ETag as it is now."""

    code = "precondition_failed"
    status = 412
    title = _("Somebody changed this in the meantime. Read it again, then decide.")


class UploadTooLarge(DomainError):
    """Facts: `limit_bytes`."""

    code = "upload_too_large"
    status = 413
    title = _("This is more than the server takes at once.")


class MediaTypeUnsupported(DomainError):
    code = "unsupported_media_type"
    status = 415
    title = _("This content type is not understood here.")


class PreconditionRequired(DomainError):
    code = "precondition_required"
    status = 428
    title = _("Send the ETag that you read in an If-Match header.")


class RateLimited(DomainError):
    """Facts: `retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many requests. Wait %(retry_after)s seconds.")


class ParameterMissing(ValidationFailed):
    """Query parameters that must be there."""

    def __init__(self, names: list[str]) -> None:
        sentence = str(_("This parameter is missing."))
        super().__init__(errors=[{"pointer": f"/{name}", "code": "required", "message": sentence} for name in names])


class ServerError(DomainError):
    """What `problems.server_error` answers when none of our rules speaks; here for the catalogue."""

    code = "server_error"
    status = 500
    is_retryable = True
    title = _("This did not work, and it is our fault. Try again; if it stays, send the number to your admin.")


class Maintenance(DomainError):
    code = "maintenance"
    status = 503
    title = _("The house is being worked on. Try again in %(retry_after)s seconds.")
    is_retryable = True
