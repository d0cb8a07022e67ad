"""What a study's page is asked for: whose stores, how many weeks or days; and the address of the rows behind a box."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

from apps.analytics.study import before_after, counting, reading
from apps.console import asked, month_asked, scope
from apps.console.charts import Chart
from apps.console.scope import Scope
from apps.core import clock

PERMISSION = "dashboard.view"
MONTHS, WEEKS = 12, {"4": 4, "12": 12}


@dataclass(frozen=True)
class View:
    moment: datetime
    where: Scope
    weeks: int
    days: int
    event: tuple[date, int]  # a day, and how many days of each side of it are looked at
    of_month: date | None = None  # its first day; in place of the days
    most: int = 200  # rows of a list that has no further pages

    @property
    def today(self) -> date:
        return clock.local_date(self.moment)

    @property
    def months(self) -> tuple[date, date]:
        """The running month is the last, not over yet."""
        last = self.today.replace(day=1)
        return reading.next_month(last, 1 - MONTHS), last

    @property
    def span(self) -> tuple[date, date]:
        return reading.span(self.today - timedelta(days=1), self.weeks)

    @property
    def period(self) -> tuple[date, date]:
        """The days asked for, of which yesterday is the last; or a month."""
        if self.of_month:
            return self.of_month, reading.next_month(self.of_month) - timedelta(days=1)
        return self.today - timedelta(days=self.days), self.today - timedelta(days=1)

    @property
    def query(self) -> dict[str, object]:
        found: dict[str, object] = {"store": self.where.chosen or "", "weeks": self.weeks, "days": self.days}
        return found | ({"of_month": f"{self.of_month:%Y-%m}"} if self.of_month else {})

    def rows_url(self, box: str, **more: object) -> str:
        parts = {key: value for key, value in (self.query | more).items() if value is not None}
        return f"{reverse('console:analysis_rows', args=[box])}?{urlencode(parts)}"


def of(request: HttpRequest) -> View:
    moment, days = clock.now(), asked.a_key(request, name="days")
    return View(
        moment,
        scope.of(request, permission=PERMISSION),
        WEEKS.get(request.GET.get("weeks", ""), 12),
        days if days in counting.SPANS else counting.SPANS[0],
        _event(request, today=clock.local_date(moment)),
        month_asked.read(request.GET.get("of_month", "")),
    )


def _event(request: HttpRequest, *, today: date) -> tuple[date, int]:
    """The newest day whose days after it are all over, unless another is asked for."""
    sides = asked.a_key(request, name="sides")
    sides = sides if sides in before_after.SPANS else 14
    newest, on = today - timedelta(days=sides), asked.a_date(request, name="event")
    return min(on, newest) if on and on.year >= 2000 else newest, sides


Rows = Callable[[HttpRequest, View], dict[str, Any]]  # the facts of a page of rows


@dataclass(frozen=True, kw_only=True)
class Study:
    """`draws`: its charts by their key. `rows`: lists behind boxes. `asks`: which of "weeks", "days" and "event" its page offers.

    `days_label` says what the days are. `more` adds to the page's facts.
    """

    url_name: str
    label: str | Promise
    heading: str | Promise
    lede: str | Promise
    draws: dict[str, Callable[..., Chart]]
    rows: dict[str, Rows] = field(default_factory=dict)
    asks: tuple[str, ...] = ("days",)
    days_label: str | Promise = ""
    more: Callable[[HttpRequest], dict[str, Any]] | None = None
