"""Bars: days with last week's tick, parts of a whole, and reasons ranked."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Table, described, in_chinese, label


@dataclass(frozen=True, kw_only=True)
class Day:
    """`value` None is a day without data: a gap, not a zero. `partial` marks the day that is not over."""

    label: str
    value: int | None
    previous: int | None = None
    partial: bool = False
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class DayBars(Chart):
    """`previous_label` names the black tick; `partial_label` the hatched day, such as "Today, until 10:32"."""

    opens_at_end = True
    days: tuple[Day, ...]
    colour: Colour = "lapsing"
    previous_label: str = ""
    partial_label: str = ""

    @property
    def is_empty(self) -> bool:
        return not any(day.value or day.previous for day in self.days)

    def table(self) -> Table:
        compared = any(day.previous is not None for day in self.days)
        headers = (self.axis or _("Day"), self.unit or _("Number"), *((self._previous(),) if compared else ()))
        rows = tuple(
            (
                label(f"{day.label} ({self._partial()})" if day.partial else day.label, href=day.href),
                Cell(text=_shown(day.value)),
                *((Cell(text=_shown(day.previous)),) if compared else ()),
            )
            for day in self.days
        )
        return Table(headers=headers, rows=rows)

    def draw(self) -> tuple[list[object], float]:
        top, foot, right = 58.0, 172.0, float(self.width)
        values = [value for day in self.days for value in (day.value, day.previous) if value is not None]
        ceiling = float(max(values))
        step = max(1.0, svg.nice_step(ceiling, count=3))
        ticks = [index * step for index in range(int(ceiling / step) + 1)]
        names = [svg.axis_number(tick, chinese=in_chinese()) for tick in ticks]
        left = max(svg.width_of(name) for name in names) + 10
        content: list[object] = []
        for tick, name in zip(ticks, names, strict=True):
            y = foot - (foot - top) * tick / ceiling
            content.append(
                svg.tag("path", d=f"M{svg.num(left)} {svg.num(y)}H{svg.num(right)}", class_="ax" if tick else "zero")
            )
            content.append(svg.text(left - 8, y + 4, name, cls="s", anchor="end"))
        if any(day.partial for day in self.days):
            content.insert(0, svg.hatch(self.key, cls=f"s-{self.colour}"))
        content += [*self._legend(), svg.text(0, top - 20, self.unit, cls="s")]
        pitch = (right - left) / len(self.days)
        spoken = _labelled(self.days, pitch=pitch)
        for index, day in enumerate(self.days):
            middle = left + pitch * (index + 0.5)
            scale = (foot - top) / ceiling
            content.append(
                self._bar(day, x=middle, left=left, pitch=pitch, foot=foot, scale=scale, spoken=index in spoken)
            )
        content += self._foot_labels(left=left, pitch=pitch, y=foot + 18)
        return content, foot + 26

    def _bar(self, day: Day, *, x: float, left: float, pitch: float, foot: float, scale: float, spoken: bool) -> object:
        half = min(pitch * 0.31, 22.0)
        parts: list[object] = []
        peak = foot
        if day.value is None:
            parts.append(svg.text(x, foot - 6, "\u00d7", cls="s", anchor="middle"))
        else:
            peak = foot - day.value * scale
            fill = f"url(#{self.key}-hat)" if day.partial else None
            cls = f"part s-{self.colour}" if day.partial else f"f-{self.colour}"
            parts.append(svg.tag("path", d=_column(x=x, half=half, foot=foot, peak=peak), class_=cls, fill=fill))
        if day.previous is not None:
            tick = foot - day.previous * scale
            wide = half + min(4.0, pitch * 0.06)
            parts.append(svg.tag("path", d=f"M{svg.num(x - wide)} {svg.num(tick)}h{svg.num(2 * wide)}", class_="tick"))
            peak = min(peak, tick)
        if spoken and day.value is not None:
            reach = svg.width_of(_shown(day.value)) / 2
            place = min(max(x, left + reach), self.width - reach)
            parts.append(svg.text(place, peak - 6, _shown(day.value), cls="v", anchor="middle"))
        return svg.mark(parts, name=self._name(day), href=day.href)

    def _name(self, day: Day) -> str:
        figure = _("no data") if day.value is None else f"{_shown(day.value)} {self.unit}".strip()
        before = "" if day.previous is None else f"{self._previous()} {_shown(day.previous)}"
        return described(f"{day.label} {figure}", self._partial() if day.partial else "", before)

    def _legend(self) -> list[object]:
        content: list[object] = []
        x = 0.0
        if any(day.previous is not None for day in self.days):
            content.append(svg.tag("path", d="M0 9h18", class_="tick"))
            content.append(svg.text(24, 13, self._previous(), cls="s"))
            x = 24 + svg.width_of(self._previous()) + 18
        if any(day.partial for day in self.days):
            if x + 20 + svg.width_of(self._partial()) > self.width:
                x = 0.0
            y = 3.0 if x or not content else 19.0
            cls = f"part s-{self.colour}"
            content.append(
                svg.tag("rect", x=x + 1, y=y, width=13, height=12, rx=2, class_=cls, fill=f"url(#{self.key}-hat)")
            )
            content.append(svg.text(x + 20, y + 10, self._partial(), cls="s"))
        return content

    def _foot_labels(self, *, left: float, pitch: float, y: float) -> list[object]:
        """All of them, or every n-th when they would touch."""
        widest = max(svg.width_of(day.label) for day in self.days) + 6
        every = max(1, int(-(-widest // pitch)))
        last = len(self.days) - 1
        return [
            svg.text(left + pitch * (index + 0.5), y, day.label, cls="s", anchor="middle")
            for index, day in enumerate(self.days)
            if (last - index) % every == 0
        ]

    def _previous(self) -> str:
        return self.previous_label or _("Same day last week")

    def _partial(self) -> str:
        return self.partial_label or _("not over yet")


class BarsFromFirst(DayBars):
    """Classes, or days to come: on a phone it opens at the first, which is what is asked for."""

    opens_at_end = False


def _shown(value: int | None) -> str:
    return "" if value is None else svg.number(value)


def _column(*, x: float, half: float, foot: float, peak: float) -> str:
    """A bar with rounded shoulders, square where it stands; lower than its radius it has none."""
    radius = min(4.0, foot - peak, half)
    left, high, bow = svg.num(x - half), svg.num(peak + radius), svg.num(radius)
    across = svg.num(2 * (half - radius))
    if radius <= 0:
        return f"M{left} {svg.num(foot)}h{svg.num(2 * half)}"
    return f"M{left} {svg.num(foot)}V{high}q0-{bow} {bow}-{bow}h{across}q{bow} 0 {bow} {bow}V{svg.num(foot)}Z"


def _labelled(days: tuple[Day, ...], *, pitch: float) -> set[int]:
    """Which bars carry their figure: all if they fit, else the highest, the last, and what fits between."""
    known = [index for index, day in enumerate(days) if day.value is not None]
    first = sorted(known, key=lambda index: (index != known[-1], -(days[index].value or 0)))
    kept: list[int] = []
    for index in first:
        half = svg.width_of(_shown(days[index].value)) / 2
        clear = all(
            abs(index - other) * pitch >= half + svg.width_of(_shown(days[other].value)) / 2 + 3 for other in kept
        )
        if clear:
            kept.append(index)
    return set(kept)


@dataclass(frozen=True, kw_only=True)
class Part:
    label: str
    value: int
    colour: Colour = "mute"
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class StackBar(Chart):
    """Parts of a whole in one bar; the legend carries the figures. A part too small to see is still 2 px wide."""

    parts: tuple[Part, ...]

    @property
    def is_empty(self) -> bool:
        return not any(part.value for part in self.parts)

    def table(self) -> Table:
        total = sum(part.value for part in self.parts)
        rows = tuple(
            (
                label(part.label, href=part.href),
                Cell(text=svg.number(part.value)),
                Cell(text=svg.percent(part.value / total) if total else ""),
            )
            for part in self.parts
        )
        return Table(headers=(_("State"), self.unit or _("Number"), _("Share")), rows=rows)

    def draw(self) -> tuple[list[object], float]:
        content: list[object] = []
        seen = [part for part in self.parts if part.value]
        room = self.width - 2.0 * (len(seen) - 1)
        total = sum(part.value for part in seen)
        slim = [part for part in seen if part.value / total * room < 2]
        room -= 2.0 * len(slim)
        rest = sum(part.value for part in seen if part not in slim)
        x = 0.0
        for part in seen:
            wide = 2.0 if part in slim else part.value / rest * room
            content.append(
                svg.tag("rect", x=x, y=0, width=wide, height=22, rx=min(3.0, wide / 2), class_=f"f-{part.colour}")
            )
            x += wide + 2
        legend, foot = self._legend()
        return [*content, *legend], foot

    def _legend(self) -> tuple[list[object], float]:
        content: list[object] = []
        x, y = 0.0, 36.0
        for part in self.parts:
            figure = svg.number(part.value)
            wide = max(svg.width_of(part.label, size=13) + 16, svg.width_of(figure, size=17)) + 18
            if x and x + wide - 18 > self.width:
                x, y = 0.0, y + 50
            marks = [
                svg.tag("rect", x=x, y=y, width=10, height=10, rx=2.5, class_=f"f-{part.colour}"),
                svg.text(x + 16, y + 9.5, part.label, cls="wd"),
                svg.text(x, y + 32, figure, cls="mid"),
            ]
            content.append(svg.mark(marks, name=described(part.label, figure), href=part.href))
            x += max(wide, 72)
        return content, y + 40


@dataclass(frozen=True, kw_only=True)
class Reason:
    label: str
    value: int
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class ReasonBars(Chart):
    """Horizontal bars in the order given, all from zero; long words take a second line."""

    reasons: tuple[Reason, ...]
    colour: Colour = "mute"
    head: str = ""  # of the words, in the table

    @property
    def is_empty(self) -> bool:
        return not any(reason.value for reason in self.reasons)

    def table(self) -> Table:
        rows = tuple(
            (label(reason.label, href=reason.href), Cell(text=svg.number(reason.value))) for reason in self.reasons
        )
        return Table(headers=(self.head or _("Reason"), self.unit or _("Number")), rows=rows)

    def draw(self) -> tuple[list[object], float]:
        most = max(reason.value for reason in self.reasons)
        figures = max(svg.width_of(svg.number(reason.value), size=13) for reason in self.reasons) + 10
        words = self.width * 0.46
        room = self.width - words - 12 - figures
        content: list[object] = []
        y = 0.0
        if self.unit:
            content.append(svg.text(self.width, 12, self.unit, cls="s", anchor="end"))
            y = 20.0
        content.append(svg.tag("path", d=f"M0 {svg.num(y)}H{self.width}", class_="ax"))
        for reason in self.reasons:
            lines = svg.wrap(reason.label, width=words, size=13)
            tall = 17.0 * len(lines) + 11
            middle = y + 4 + tall / 2
            marks: list[object] = [
                svg.text(0, middle - 8.5 * (len(lines) - 1) + 4.5 + 17 * index, line, cls="wd")
                for index, line in enumerate(lines)
            ]
            wide = reason.value / most * room
            if reason.value:
                marks.append(
                    svg.tag(
                        "rect",
                        x=words + 12,
                        y=middle - 6.5,
                        width=max(2.0, wide),
                        height=13,
                        rx=3 if wide > 6 else 1,
                        class_=f"f-{self.colour} soft",
                    )
                )
            marks.append(svg.text(self.width, middle + 4.5, svg.number(reason.value), cls="k", anchor="end"))
            content.append(svg.mark(marks, name=described(reason.label, svg.number(reason.value)), href=reason.href))
            y += tall
        return content, y + 8
