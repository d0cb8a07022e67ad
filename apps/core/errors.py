"""One error family for rules that say no."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule said no. Subclasses set `code` (stable, for clients), `status` (HTTP) and `title` (lazy, translated at the edge).

    `facts` are JSON-able values; the title may name them: `_("Needs %(points)s points")`.
    """

    code = "rule_broken"
    status = 409
    is_retryable = False
    title: str | Promise = _("The request breaks a business rule.")

    def __init__(self, **facts: object) -> None:
        super().__init__(self.code)
        self.facts = facts

    def __str__(self) -> str:
        text = str(self.title)
        return text % self.facts if self.facts and "%(" in text else text


class NotFound(DomainError):
    code = "not_found"
    status = 404
    title = _("This does not exist, or is outside your stores.")


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    title = _("Your role does not allow this.")


class ValidationFailed(DomainError):
    """`errors` in the facts: a list of {"pointer", "code", "message"}."""

    code = "validation_failed"
    status = 422
    title = _("Something in the input is not right. Nothing was saved.")


class BadCipher(DomainError):
    code = "cipher_unreadable"
    status = 500
    title = _("An encrypted value cannot be read with the keys at hand.")


class Unauthenticated(DomainError):
    code = "unauthenticated"
    status = 401
    title = _("Log in first.")


class TokenExpired(DomainError):
    """An access token: refresh it. A refresh token: log in again."""

    code = "token_expired"
    status = 401
    title = _("This log-in has run out. Renew it, or log in again.")
