"""Difference between the cared-for and the holdout arm, with its 95 % interval, one row per policy."""

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Table, described, label

RATES, AMOUNTS = (52, 106, 124), (92, 192, 214)  # where both figures end, and where the picture begins
HEAD, ROW, LINE = 24, 34, 17


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Rates and bounds are shares (0.108 is 10.8 %); None in `diff` means not enough data for a verdict."""

    label: str
    treated: float | None = None
    holdout: float | None = None
    diff: float | None = None
    low: float | None = None
    high: float | None = None
    treated_members: int | None = None
    holdout_members: int | None = None
    href: str = ""
    lead: bool = False
    texts: tuple[str, str] | None = None  # of both sides, where they are no rates

    @property
    def enough(self) -> bool:
        return self.diff is not None and self.low is not None and self.high is not None

    @property
    def significant(self) -> bool:
        """The interval leaves zero out."""
        return self.enough and not (self.low <= 0 <= self.high)  # type: ignore[operator]


@dataclass(frozen=True, kw_only=True)
class ForestPlot(Chart):
    """`sides`: what is compared, in place of care and held out; `gap`: what the difference is counted in."""

    comparisons: tuple[Comparison, ...]
    sides: tuple[str, str] | None = None
    gap: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.comparisons

    def table(self) -> Table:
        sides = self.sides or (_("With care"), _("Held out"))
        headers = (self.unit or _("Policy"), *sides, self.gap or _("Difference, points"), _("95% from"), _("95% to"))
        if self.sides:
            return Table(headers=headers, rows=tuple(_row(item)[:6] for item in self.comparisons))
        counts = (_("Members with care"), _("Members held out"))
        return Table(headers=(*headers, *counts), rows=tuple(_row(item) for item in self.comparisons))

    def draw(self) -> tuple[list[object], float]:
        bounds = [value for item in self.comparisons if item.enough for value in (item.low or 0, item.high or 0)]
        low, high = min([0.0, *bounds]), max([0.0, *bounds])
        if low == high:
            low, high = -0.02, 0.02
        step = svg.nice_step(high - low, count=4)
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
        right = self.width - 10

        places = AMOUNTS if self.sides else RATES

        def x_at(value: float) -> float:
            return places[2] + (value - low) / (high - low) * (right - places[2])

        rows: list[object] = []
        y = float(HEAD)
        for item in self.comparisons:
            lines = svg.wrap(item.label, width=self.width - 4, size=13)
            tall = LINE * len(lines) + ROW
            rows.append(_drawn(item, sides=self.sides, lines=lines, y=y, tall=tall, chart_width=self.width, x_at=x_at))
            y += tall + 4
        ticks = [low + index * step for index in range(round((high - low) / step) + 1)]
        axes: list[object] = []
        for tick in ticks:
            x = x_at(tick)
            axes.append(
                svg.tag("path", d=f"M{svg.num(x)} {HEAD}V{svg.num(y)}", class_="zero" if not round(tick, 9) else "ax")
            )
            axes.append(svg.text(x, y + 16, _tick(tick), cls="s", anchor="middle"))
        sides = self.sides or (_("Care"), _("Held out"))
        heads = [
            svg.text(places[0], 12, sides[0], cls="s", anchor="end"),
            svg.text(places[1], 12, sides[1], cls="s", anchor="end"),
            svg.text(self.width, 12, self.gap or _("Difference, points"), cls="s", anchor="end"),
        ]
        return [*heads, *axes, *rows], y + 22


def _tick(value: float) -> str:
    share = round(value * 100, 4)
    return f"{share:+.10g}".replace("-", svg.MINUS) if share else "0"


def _figures(item: Comparison) -> tuple[str, str, str, str, str]:
    """Treated, holdout, difference, low, high as they are shown, in the picture and in the table."""
    treated = "" if item.treated is None else svg.percent(item.treated)
    holdout = "" if item.holdout is None else svg.percent(item.holdout)
    if item.texts:
        treated, holdout = item.texts
    if not item.enough:
        return treated, holdout, _("Not enough data"), "", ""
    return treated, holdout, *(svg.points(value or 0) for value in (item.diff, item.low, item.high))  # type: ignore[return-value]


def _row(item: Comparison) -> tuple[Cell, ...]:
    counts = (item.treated_members, item.holdout_members)
    return (
        label(item.label, href=item.href),
        *(Cell(text=figure) for figure in _figures(item)),
        *(Cell(text="" if count is None else svg.number(count)) for count in counts),
    )


def _drawn(
    item: Comparison, *, sides: tuple[str, str] | None, lines: list[str], y: float, tall: float, chart_width: int, x_at
) -> object:
    treated, holdout, diff, low, high = _figures(item)
    base = y + LINE * len(lines) + 17
    parts: list[object] = []
    if item.lead:
        parts.append(svg.tag("rect", x=-8, y=y, width=chart_width + 16, height=tall, rx=8, class_="lead"))
        zero = x_at(0.0)
        parts.append(svg.tag("path", d=f"M{svg.num(zero)} {svg.num(y)}v{svg.num(tall)}", class_="zero"))
    for index, line in enumerate(lines):
        parts.append(svg.text(0, y + 14 + LINE * index, line, cls="k" if item.lead else "wd"))
    places = AMOUNTS if sides else RATES
    parts.append(svg.text(places[0], base, treated, cls="k", anchor="end"))
    parts.append(svg.text(places[1], base, holdout, anchor="end"))
    sides = sides or (_("With care"), _("Held out"))
    name = described(item.label, f"{sides[0]} {treated}", f"{sides[1]} {holdout}", diff)
    if item.enough:
        parts += _interval(item, y=base - 4, diff=diff, x_at=x_at)
        name = described(name, _("95%% interval %(low)s to %(high)s") % {"low": low, "high": high})
    else:
        parts.append(svg.text(chart_width, base, diff, cls="s", anchor="end"))
    return svg.mark(parts, name=name, href=item.href)


def _interval(item: Comparison, *, y: float, diff: str, x_at) -> list[object]:
    left, point, right = (svg.num(x_at(value)) for value in (item.low, item.diff, item.high))
    up = svg.num(y - 5)
    cls = "iv" if item.significant else "iv open"
    return [
        svg.tag("path", d=f"M{left} {svg.num(y)}H{right}M{left} {up}v10M{right} {up}v10", class_=cls),
        svg.tag("circle", cx=point, cy=y, r=6 if item.lead else 5, class_=cls),
        svg.text(float(point), y - 10, diff, cls="v", anchor="middle"),
    ]
