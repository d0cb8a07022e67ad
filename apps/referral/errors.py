"""What bringing friends refuses."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class ReferralOff(DomainError):
    code = "referral_off"
    title = _("At present nobody can be invited.")


class InvitationUnknown(DomainError):
    code = "referral_unknown"
    status = 422
    title = _("There is no invitation with this code.")


class NotNew(DomainError):
    """A member for more than a day, or one who has bought."""

    code = "referral_not_new"
    title = _("An invitation can be named within a day of joining, before the first purchase.")


class InvitedAlready(DomainError):
    code = "referral_already"
    title = _("Somebody has invited you already. One invitation counts.")


class OwnInvitation(DomainError):
    code = "referral_own"
    title = _("This is your own invitation.")


class WithdrawalTooSmall(DomainError):
    code = "commission_too_small"
    status = 422
    title = _("At least ¥%(least)s can be paid out at once.")


class WithdrawalTooLarge(DomainError):
    code = "commission_too_large"
    title = _("So much is not free (any more).")


class WithdrawalSettled(DomainError):
    code = "commission_settled"
    title = _("This was paid out or refused already.")
