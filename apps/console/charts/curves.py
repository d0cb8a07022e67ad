"""Shares against shares: what was said against what came true, and how far rankings tell members apart."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Table, described, label

LEFT, TOP, FOOT = 44.0, 34.0, 232.0
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class Said:
    """`said` and `came` are shares of `members`."""

    said: float
    came: float
    members: int


@dataclass(frozen=True, kw_only=True)
class Calibration(Chart):
    """Dots on the line came as true as they were said; above it more lapsed than said. A dot's area goes by its members."""

    groups: tuple[Said, ...]
    colour: Colour = "brand"

    @property
    def is_empty(self) -> bool:
        return not self.groups

    def table(self) -> Table:
        rows = tuple(
            (
                label(svg.percent(one.said)),
                Cell(text=svg.percent(one.came)),
                Cell(text=svg.number(one.members)),
            )
            for one in self.groups
        )
        return Table(headers=(_("Said"), _("Came true"), _("Members")), rows=rows)

    def draw(self) -> tuple[list[object], float]:
        right = self.width - 14.0
        most = max(one.members for one in self.groups)

        def place(one: Said) -> tuple[float, float]:
            return LEFT + (right - LEFT) * one.said, FOOT - (FOOT - TOP) * one.came

        content = [svg.text(0, 14, _("Came true"), cls="s"), *_grid(right)]
        content += [
            svg.text(LEFT + (right - LEFT) * share, FOOT + 18, f"{share * 100:.0f}%", cls="s", anchor="middle")
            for share in QUARTERS
        ]
        content.append(svg.text(right, FOOT + 36, _("Said"), cls="s", anchor="end"))
        diagonal = f"M{svg.num(LEFT)} {svg.num(FOOT)}L{svg.num(right)} {svg.num(TOP)}"
        content.append(svg.tag("path", d=diagonal, class_="ln none"))
        track = "L".join(f"{svg.num(x)} {svg.num(y)}" for x, y in map(place, self.groups))
        content.append(svg.tag("path", d=f"M{track}", class_=f"line s-{self.colour}"))
        for one in self.groups:
            x, y = place(one)
            radius = 3 + 5 * (one.members / most) ** 0.5
            marks = [
                svg.tag("circle", cx=x, cy=y, r=12, class_="hit"),
                svg.tag("circle", cx=x, cy=y, r=radius, class_=f"f-{self.colour}"),
            ]
            said = _("said %(said)s, came true %(came)s") % {
                "said": svg.percent(one.said),
                "came": svg.percent(one.came),
            }
            content.append(svg.mark(marks, name=described(said, f"{svg.number(one.members)} {self.unit}".strip())))
        return content, FOOT + 42


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Shares of ten tenths, those ranked highest first."""

    label: str
    shares: tuple[float, ...]
    colour: Colour
    is_dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Tenths(Chart):
    """Several rankings of the same members; `overall` is the share of all, which a ranking by chance would have everywhere."""

    rankings: tuple[Ranking, ...]
    overall: float = 0.0

    @property
    def is_empty(self) -> bool:
        return not self.rankings

    def table(self) -> Table:
        rows = tuple(
            (
                label(_("Tenth %(n)s") % {"n": place + 1}),
                *(Cell(text=svg.percent(one.shares[place])) for one in self.rankings),
            )
            for place in range(len(self.rankings[0].shares))
        )
        return Table(headers=(_("Members by chance"), *(one.label for one in self.rankings)), rows=rows)

    def draw(self) -> tuple[list[object], float]:
        right = self.width - 14.0
        pitch = (right - LEFT) / (len(self.rankings[0].shares) - 1)
        legend, lower = self._legend()
        content: list[object] = [*legend, *_grid(right, lower=lower)]
        middle = _height(self.overall, lower)
        content.append(svg.tag("path", d=f"M{svg.num(LEFT)} {svg.num(middle)}H{svg.num(right)}", class_="ln none"))
        for one in self.rankings:
            places = [(LEFT + pitch * index, _height(share, lower)) for index, share in enumerate(one.shares)]
            track = "L".join(f"{svg.num(x)} {svg.num(y)}" for x, y in places)
            dashes = "6 4" if one.is_dashed else ""
            content.append(svg.tag("path", d=f"M{track}", class_=f"line s-{one.colour}", stroke_dasharray=dashes))
            content += [
                svg.mark(
                    [
                        svg.tag("circle", cx=x, cy=y, r=9, class_="hit"),
                        svg.tag("circle", cx=x, cy=y, r=3.5, class_=f"f-{one.colour}"),
                    ],
                    name=described(one.label, _("Tenth %(n)s") % {"n": index + 1}, svg.percent(one.shares[index])),
                )
                for index, (x, y) in enumerate(places)
            ]
        foot = FOOT + lower
        content.append(svg.text(LEFT, foot + 20, _("highest chance"), cls="s"))
        content.append(svg.text(right, foot + 20, _("lowest chance"), cls="s", anchor="end"))
        return content, foot + 26

    def _legend(self) -> tuple[list[object], float]:
        """The names with their strokes, and how much room they take beyond one line."""
        content: list[object] = []
        x, y = 0.0, 9.0
        for one in self.rankings:
            wide = 26 + svg.width_of(one.label) + 16
            if x and x + wide - 16 > self.width:
                x, y = 0.0, y + 18
            dashes = "6 4" if one.is_dashed else ""
            stroke = svg.tag(
                "path", d=f"M{svg.num(x)} {svg.num(y)}h20", class_=f"line s-{one.colour}", stroke_dasharray=dashes
            )
            content += [stroke, svg.text(x + 26, y + 4, one.label, cls="s")]
            x += wide
        return content, y - 9


def _height(share: float, lower: float = 0.0) -> float:
    return FOOT + lower - (FOOT - TOP) * share


def _grid(right: float, *, lower: float = 0.0) -> list[object]:
    """Lines at the quarters of a share from 0 to 1, with their names."""
    content: list[object] = []
    for share in QUARTERS:
        y = _height(share, lower)
        line = f"M{svg.num(LEFT)} {svg.num(y)}H{svg.num(right)}"
        content.append(svg.tag("path", d=line, class_="ax" if share else "zero"))
        content.append(svg.text(LEFT - 8, y + 4, f"{share * 100:.0f}%", cls="s", anchor="end"))
    return content
