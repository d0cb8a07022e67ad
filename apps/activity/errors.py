"""What the rules of behaviour events and tracked codes may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class BatchTooLarge(DomainError):
    """Facts: `limit` events, `limit_bytes`."""

    code = "events_batch_too_large"
    status = 413
    title = _("At most %(limit)s events and %(limit_bytes)s bytes fit one batch. Send several.")


class BatchMalformed(DomainError):
    """Facts: `part`, the part of the batch that cannot be read."""

    code = "events_batch_malformed"
    status = 422
    title = _("The batch cannot be read at “%(part)s”. Nothing was stored.")


class TargetRefused(DomainError):
    code = "code_target_refused"
    status = 422
    title = _("A code may lead to a page of this site, a mini-program page, or a host that the operator has allowed.")


class CodeTaken(DomainError):
    code = "code_taken"
    title = _("This short code already exists. Choose another, or leave the field empty.")


class CodeMalformed(DomainError):
    code = "code_malformed"
    status = 422
    title = _("A short code has 4 to 12 letters and digits.")


class CodeStopped(DomainError):
    """410: it was there, and is over."""

    code = "code_stopped"
    status = 410
    title = _("This code is no longer in use.")
