"""What the rules about staff and stores may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class ProofNeeded(DomainError):
    """The act asks for a second factor (or, without one, the password) given within the last ten minutes."""

    code = "step_up_required"
    status = 401
    title = _("Please confirm that it is you.")


class ProofWrong(DomainError):
    """A code that is wrong, used or too old, a strange key, a wrong password: they are not told apart."""

    code = "proof_wrong"
    status = 422
    title = _("This did not work. A code opens only once: wait for the next one, then try again.")


class TooManyTries(DomainError):
    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many tries. Wait five minutes, then try again.")


class FactorNeeded(DomainError):
    code = "second_factor_needed"
    title = _("Your role needs a second factor. Add another one before you remove this one.")


class TillUnknown(DomainError):
    """The browser is no till, or not any more: its key was revoked."""

    code = "till_unknown"
    status = 403
    title = _("This browser is no till. A manager makes it one in the back office.")


class TillLocked(DomainError):
    code = "till_locked"
    status = 401
    title = _("The till is locked. Enter your PIN.")


class PinWrong(DomainError):
    """Also for people without a PIN, and for those who do not work here: they are not told apart."""

    code = "pin_wrong"
    status = 422
    title = _("This PIN is not right.")


class PinRefused(DomainError):
    code = "pin_refused"
    status = 422
    title = _("A PIN has 4 to 6 digits, not all the same and not in a row.")


class TooManyPins(DomainError):
    """`retry_after` in seconds."""

    code = "pin_tries"
    status = 429
    is_retryable = True
    title = _("Too many wrong PINs. A manager can set a new one.")


class ScanKeyKnown(DomainError):
    code = "scan_key_known"
    title = _("This till has its key already. Make the browser a till anew.")
