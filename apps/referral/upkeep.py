"""What time does to credits: the days for which the first order had to be kept, or commissions are frozen, are over."""

from apps.core import clock
from apps.referral import commissions, services


def sweep() -> dict[str, int]:
    """Every ten minutes. Repeatable; a credit counts once."""
    moment = clock.now()
    return {
        "settled": services.settle_due(moment=moment), "freed": commissions.free_due(moment=moment),
        "forgotten": services.forget_networks(moment=moment),
    }  # fmt: skip
