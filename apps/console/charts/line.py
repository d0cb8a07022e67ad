"""A figure over days: a full line with axes, and the small one that stands in a table row."""

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Table, described, in_chinese, label


@dataclass(frozen=True, kw_only=True)
class Point:
    """`value` None is a missing day: the line breaks there."""

    label: str
    value: int | None
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Line(Chart):
    opens_at_end = True
    points: tuple[Point, ...]
    colour: Colour = "brand"
    from_zero: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(point.value for point in self.points)

    def table(self) -> Table:
        rows = tuple(
            (
                label(point.label, href=point.href),
                Cell(text=_("no data") if point.value is None else svg.number(point.value)),
            )
            for point in self.points
        )
        return Table(headers=(self.axis or _("Day"), self.unit or _("Number")), rows=rows)

    def draw(self) -> tuple[list[object], float]:
        top, foot, right = 26.0, 132.0, self.width - 12.0
        ticks = _ticks([point.value for point in self.points if point.value is not None], from_zero=self.from_zero)
        names = [svg.axis_number(tick, chinese=in_chinese()) for tick in ticks]
        left = max(svg.width_of(name) for name in names) + 10
        low, high = ticks[0], ticks[-1]
        content: list[object] = [svg.text(0, 12, self.unit, cls="s")] if self.unit else []
        for tick, name in zip(ticks, names, strict=True):
            y = foot - (foot - top) * (tick - low) / (high - low)
            content.append(
                svg.tag(
                    "path",
                    d=f"M{svg.num(left)} {svg.num(y)}H{svg.num(self.width)}",
                    class_="zero" if not tick else "ax",
                )
            )
            content.append(svg.text(left - 8, y + 4, name, cls="s", anchor="end"))
        places = _places(self.points, box=(left + 6, top, right, foot), low=low, high=high)
        content += _strokes(places, colour=self.colour)
        content += self._marks(places)
        content += self._ends(left=left)
        return content, foot + 26

    def _marks(self, places: list[tuple[float, float] | None]) -> list[object]:
        last = max(index for index, place in enumerate(places) if place)
        marks: list[object] = []
        for index, (point, place) in enumerate(zip(self.points, places, strict=True)):
            if place is None:
                continue
            shown = svg.number(point.value or 0)
            parts = [
                svg.tag("circle", cx=place[0], cy=place[1], r=12, class_="hit"),
                svg.tag(
                    "circle",
                    cx=place[0],
                    cy=place[1],
                    r=4.5,
                    class_=f"dot f-{self.colour}" + (" on" if index == last else ""),
                ),
            ]
            if index == last:
                parts.append(svg.text(self.width, place[1] - 10, shown, cls="k", anchor="end"))
            marks.append(svg.mark(parts, name=described(point.label, f"{shown} {self.unit}".strip()), href=point.href))
        return marks

    def _ends(self, *, left: float) -> list[object]:
        first, last = self.points[0].label, self.points[-1].label
        return [svg.text(left, 150, first, cls="s"), svg.text(self.width, 150, last, cls="s", anchor="end")]


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """The line alone, 120 × 28, for a table row. The figures it stands for are in the row."""

    label: str
    values: tuple[int | None, ...]
    colour: Colour = "brand"

    def svg(self) -> svg.SafeString:
        known = [value for value in self.values if value is not None]
        low, high = (min(known), max(known)) if known else (0, 1)
        points = tuple(Point(label="", value=value) for value in self.values)
        places = _places(points, box=(3, 4, 116, 24), low=low, high=high if high > low else low + 1)
        content = _strokes(places, colour=self.colour)
        tail = next((place for place in reversed(places) if place), None)
        if tail:
            content.append(svg.tag("circle", cx=tail[0], cy=tail[1], r=3, class_=f"f-{self.colour}"))
        return svg.tag("svg", *content, class_="ch spark", viewBox="0 0 120 28", role="img", aria_label=self.label)


def _ticks(values: list[int], *, from_zero: bool) -> list[float]:
    low, high = (0 if from_zero else min(values)), max(values)
    if low == high:
        low, high = min(0, low), max(high, 1)
    step = max(1.0, svg.nice_step(high - low, count=2))
    start = math.floor(low / step)
    return [index * step for index in range(start, max(math.ceil(high / step), start + 1) + 1)]


def _places(
    points: tuple[Point, ...], *, box: tuple[float, float, float, float], low: float, high: float
) -> list[tuple[float, float] | None]:
    left, top, right, foot = box
    pitch = (right - left) / max(1, len(points) - 1)
    return [
        None
        if point.value is None
        else (left + pitch * index, foot - (foot - top) * (point.value - low) / (high - low))
        for index, point in enumerate(points)
    ]


def _strokes(places: list[tuple[float, float] | None], *, colour: Colour) -> list[object]:
    """One path per run of known days; a day alone is a dot of its own."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    drawn: list[object] = []
    for run in runs:
        if len(run) == 1:
            drawn.append(svg.tag("circle", cx=run[0][0], cy=run[0][1], r=2, class_=f"f-{colour}"))
        elif run:
            path = "M" + "L".join(f"{svg.num(x)} {svg.num(y)}" for x, y in run)
            drawn.append(svg.tag("path", d=path, class_=f"line s-{colour}"))
    return drawn
