"""What campaigns and journeys of a month brought for what they cost. Of the brand as a whole: costs belong to no store. Money in 分.

Brought: what is left of the orders paid in the month, by the last contact before each, as attribution has it. That says what went
before an order, not what caused it; what is held out of a campaign tells that.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q, Sum

from apps.analytics import selectors
from apps.analytics.house.months import Month
from apps.analytics.models import CreditDay
from apps.analytics.rollup import COST
from apps.care.models import Cost


@dataclass(frozen=True, kw_only=True)
class Return:
    """`journey_id` 0: of policies outside journeys. `entered`: costs typed in or from files; `messages`: by the price of each."""

    journey_id: int
    entered: int
    messages: int
    brought: int

    @property
    def spent(self) -> int:
        return self.entered + self.messages

    @property
    def gain(self) -> float | None:
        """1.5: each yuan came back, and one and a half more. None: it cost nothing."""
        return (self.brought - self.spent) / self.spent if self.spent else None


def of(month: Month) -> list[Return]:
    """What cost most first; those that cost and brought nothing are left out."""
    days = (month.first, month.last)
    entered: dict[int, int] = defaultdict(int)
    costs = Cost.objects.filter(day__range=days).values_list("journey_id", "policy__journey_id")
    for journey, of_policy, cents in costs.annotate(sum=Sum("amount_cents")):
        entered[journey or of_policy or 0] += cents
    told = selectors.totals(prefix=COST, first=month.first, last=month.last)
    messages = {int(journey): cents for journey, cents in told.items()}
    rows = CreditDay.objects.filter(Q(journey_id__gt=0) | Q(kind="message"), on__range=days).values_list("journey_id")
    brought = dict(rows.annotate(sum=Sum("last_cents")))
    found = [
        Return(journey_id=key, entered=entered.get(key, 0), messages=messages.get(key, 0), brought=brought.get(key, 0))
        for key in {*entered, *messages, *brought}
    ]
    return sorted(
        (one for one in found if one.spent or one.brought), key=lambda one: (-one.spent, -one.brought, one.journey_id)
    )
