"""What time does to credits: the days for which the first order had to be kept are over."""

from apps.core import clock
from apps.referral import services


def sweep() -> dict[str, int]:
    """Every ten minutes. Repeatable; a credit counts once."""
    return {"settled": services.settle_due(moment=clock.now())}
