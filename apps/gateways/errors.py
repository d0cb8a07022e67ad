"""Why a call to a provider brought no usable answer, and what the doors above are told of it.

Callers of `sms` and `wechat.send_subscribe` see neither: they get an `Outcome`.
"""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class NotReached(Exception):
    """No byte of the request left this machine."""


class ReplyLost(Exception):
    """The request, or a part of it, went out and no whole answer came back."""


class ProviderUnavailable(DomainError):
    """`provider` in the facts; `retry_after` in seconds where it is known."""

    code = "provider_unavailable"
    status = 503
    is_retryable = True
    title = _("A service that we rely on does not answer right now. Please try again in a moment.")


class ProviderTooOften(DomainError):
    """The provider counts this person's calls and has had enough for a minute."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many attempts. Please wait a minute.")


class WechatAppUnknown(DomainError):
    code = "wechat_app_unknown"
    status = 422
    title = _("This mini-program does not belong to us.")


class WechatCodeInvalid(DomainError):
    """Used, older than five minutes, or made for another mini-program."""

    code = "wechat_code_invalid"
    status = 422
    title = _("WeChat does not know this code any more. Please try again.")


class WechatUserBlocked(DomainError):
    code = "wechat_user_blocked"
    status = 403
    title = _("WeChat blocks this account at the moment.")


class GrantExhausted(DomainError):
    """The ledger says no, so WeChat was not asked."""

    code = "channel_quota_exhausted"
    title = _("This customer has no subscribe message left that they agreed to.")
