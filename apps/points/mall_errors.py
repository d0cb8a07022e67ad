"""What the mall may refuse. Balance and frozen accounts are refused by the ledger's own errors."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.errors import DomainError

REASONS: dict[str, str | Promise] = {
    "frozen": _("Your points account is frozen. Ask the service desk."),
    "not_started": pgettext_lazy("rewards", "Not to be had yet."),
    "ended": pgettext_lazy("rewards", "This offer is over."),
    "tier_too_low": _("This is for other tiers than yours."),
    "out_of_stock": pgettext_lazy("rewards", "All gone."),
    "wrong_store": _("The chosen store has none of it."),
    "limit_reached": _("You have had as many of these as one member may."),
    "daily_limit": _("You have exchanged as often today as one member may."),
    "insufficient_balance": _("You have not enough points yet."),
}


class RewardUnavailable(DomainError):
    """`reason` is a key of REASONS."""

    code = "reward_unavailable"
    title = _("This reward cannot be exchanged now.")

    def __str__(self) -> str:
        return str(REASONS[str(self.facts["reason"])])


class ExchangeContradicts(DomainError):
    """The source named another exchange before."""

    code = "exchange_contradicts"
    title = _("This was exchanged before, for another reward or store.")


class ExchangeOver(DomainError):
    """`state` says what became of it."""

    code = "exchange_over"
    title = _("This exchange is over: nothing about it can be changed any more.")


class ExchangePaid(DomainError):
    code = "exchange_paid"
    title = _("Cash was paid for this. Ask the store to cancel it: they give the cash back.")


class PaymentContradicts(DomainError):
    """Another amount than was asked for, or a second payment."""

    code = "payment_contradicts"
    title = _("The payment does not fit this exchange.")


class PickUpUnknown(DomainError):
    code = "pick_up_code_unknown"
    status = 404
    title = _("Nobody waits under this code.")


class PickUpElsewhere(DomainError):
    """`store` is where it lies."""

    code = "pick_up_elsewhere"
    title = _("This gift is to be picked up in another store: %(store)s.")


class TooManyGuesses(DomainError):
    """`retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    is_retryable = True
    title = _("Too many codes were tried. Wait a little.")


class StockTooLow(DomainError):
    code = "stock_too_low"
    title = _("There are only %(left)s left.")
