"""What the rules of live streams refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class Overlap(DomainError):
    """The facts name the stream that is in the way."""

    code = "livestream_overlap"
    title = _("“%(title)s” is in the way: the room or the host is taken from %(from)s to %(until)s.")


class WrongMove(DomainError):
    code = "livestream_wrong_state"
    title = _("This stream is past that step. Nothing was changed.")


class ChangedMeanwhile(DomainError):
    code = "livestream_changed"
    title = _("Somebody has changed this stream meanwhile. Look at it again.")


class WrongTime(DomainError):
    code = "livestream_wrong_time"
    status = 422
    title = _("A stream ends after it begins, lasts at most a day, and is planned ahead, at most a year.")


class UnknownPart(DomainError):
    code = "livestream_unknown_part"
    status = 422
    title = _("A room, host, product or coupon that was named does not exist, or is not used any more.")


class QuantityTooSmall(DomainError):
    code = "livestream_quantity_too_small"
    title = _("Pieces are put aside already: the quantity cannot be less, and the product stays.")


class NoneLeft(DomainError):
    code = "livestream_none_left"
    title = _("All pieces are put aside already.")


class NotToReserve(DomainError):
    code = "livestream_not_to_reserve"
    status = 422
    title = _("This cannot be put aside: wrong store, wrong day, or the stream is not on.")


class AlreadyReserved(DomainError):
    code = "livestream_already_reserved"
    title = _("A piece is put aside for you already.")
