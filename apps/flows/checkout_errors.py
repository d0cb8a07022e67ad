"""What the counter may refuse, beside what the books and the orders refuse by themselves."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class ReceiptUsed(DomainError):
    """`at`: when it was taken in, as ISO time."""

    code = "receipt_used"
    title = _("This receipt was taken in before.")


class ReceiptInvalid(DomainError):
    code = "receipt_invalid"
    status = 422
    title = _("This is no receipt number: 1 to 40 letters and digits.")


class ReceiptElsewhere(DomainError):
    code = "receipt_elsewhere"
    status = 422
    title = _("This receipt is of another store.")


class AmountOutOfBounds(DomainError):
    """`least` and `most` in words."""

    code = "amount_out_of_bounds"
    status = 422
    title = _("The amount must be between %(least)s and %(most)s.")


class PricesMoved(DomainError):
    """`now`: what the goods cost now, in words."""

    code = "prices_moved"
    title = _("The goods cost %(now)s by now.")


class SaleInFuture(DomainError):
    code = "sale_in_future"
    status = 422
    title = _("The time of this sale lies in the future.")


class SaleTooOld(DomainError):
    """`hours`: how old a sale may be."""

    code = "sale_too_old"
    status = 422
    title = _("This sale is older than %(hours)s hours.")


class OwnCardShown(DomainError):
    code = "own_card"
    title = _("This is your own card.")


class ShiftCapReached(DomainError):
    """`cap` is a field of `counter_rules.Rules`."""

    code = "shift_cap"
    title = _("You have reached a limit of today.")


class MemberTooOften(DomainError):
    code = "member_too_often"
    title = _("This member has bought here too often today.")


class MemberAbsent(DomainError):
    """Points and coupons are spent by who shows the code, not by who is looked up by phone."""

    code = "code_needed"
    title = _("Points are spent with the member's code only.")


class PointsTooMany(DomainError):
    """`most`: points that may pay for this sale; 0 too where points are worth nothing."""

    code = "points_too_many"
    title = _("At most %(most)s points can pay for this.")


class KeyReused(DomainError):
    code = "key_reused"
    title = _("This act was done before, with other figures.")


class UndoNeedsManager(DomainError):
    code = "undo_needs_manager"
    title = _("More than five minutes have passed, or it was somebody else's.")


class UndoOver(DomainError):
    code = "undo_over"
    title = _("Nothing of this sale is left to be undone.")
