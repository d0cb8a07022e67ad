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
