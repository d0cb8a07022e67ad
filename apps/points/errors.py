"""What the rules of points may refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class NotEnoughPoints(DomainError):
    code = "points_insufficient"
    title = _("The balance of %(balance)s points does not cover %(needed)s.")


class AccountFrozen(DomainError):
    code = "points_account_frozen"
    title = _("This points account is frozen. Ask the service desk.")


class AmountOutOfRange(DomainError):
    code = "amount_out_of_range"
    status = 422
    title = _("The number of points must be between 1 and %(most)s.")


class SourceReused(DomainError):
    """`recorded`: points that this source wrote before."""

    code = "source_reused"
    title = _("This was booked before with %(recorded)s points.")


class MoreThanThere(DomainError):
    """Giving back or taking back more than a line still has."""

    code = "points_exceed_line"
    title = _("Only %(left)s points of this line are left to undo.")


class HoldOver(DomainError):
    code = "reservation_expired"
    title = _("The points are no longer set aside. Start again.")


class ReasonMissing(DomainError):
    code = "reason_missing"
    status = 422
    title = _("Say why, in a few words: it stands in the member's statement and in the audit trail.")


class TransferOff(DomainError):
    code = "points_transfer_off"
    title = _("These points cannot be given to others.")


class TransferToSelf(DomainError):
    code = "points_transfer_self"
    title = _("Points cannot be given to oneself.")


class ReceiverUnknown(DomainError):
    code = "points_receiver_unknown"
    status = 404
    title = _("No member can be reached by this number. Ask them for it again.")


class TooManyReceivers(DomainError):
    """`retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many numbers were tried. Come back in an hour.")


class TransferCapReached(DomainError):
    """`left`: what may still leave the account today, fees with it."""

    code = "points_transfer_cap"
    title = _("Today only %(left)s more points may be given away, fee included.")


class SpendLimitReached(DomainError):
    """`left`: what may be spent on this order; `by`: "order", or the period whose limit is reached."""

    code = "points_spend_limit"
    title = _("No more than %(left)s points may be spent on this order.")


class TierUnknown(DomainError):
    code = "tier_unknown"
    status = 404
    title = _("There is no tier “%(key)s”.")


class TierInUse(DomainError):
    code = "tier_in_use"
    title = _("%(members)s members stand on “%(key)s” or once did. It cannot be removed.")
