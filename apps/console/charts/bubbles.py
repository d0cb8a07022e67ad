"""A scatter of two measures in classes: a circle for each pair, its area as many as there are. Who needs each point reads the rows."""

from dataclasses import dataclass

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Table, described, label

LEFT, TOP, ROW = 84.0, 24.0, 34.0
LARGEST = 16.0


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """`x` and `y` are places among the names of the axes; `texts` are figures beside the count, for the table."""

    x: int
    y: int
    count: int
    texts: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Bubbles(Chart):
    """`columns` name the classes across, `lines` those upwards, the lowest first; `heads`: both axes, the count, and the texts."""

    columns: tuple[str, ...]
    lines: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    heads: tuple[str, ...]
    colour: Colour = "brand"

    @property
    def is_empty(self) -> bool:
        return not any(bubble.count for bubble in self.bubbles)

    def table(self) -> Table:
        rows = tuple(
            (
                label(self.columns[one.x], href=one.href),
                label(self.lines[one.y]),
                Cell(text=svg.number(one.count)),
                *(Cell(text=text) for text in one.texts),
            )
            for one in self.bubbles
        )
        return Table(headers=self.heads, rows=rows)

    def story(self) -> str:
        """The largest five: the table has the rest."""
        most = sorted(self.bubbles, key=lambda one: -one.count)[:5]
        return "; ".join(described(self.columns[one.x], self.lines[one.y], svg.number(one.count)) for one in most)

    def draw(self) -> tuple[list[object], float]:
        foot = TOP + ROW * len(self.lines)
        pitch = (self.width - LEFT) / max(len(self.columns), 1)
        most = max(one.count for one in self.bubbles)
        content: list[object] = [svg.text(0, 12, self.heads[1], cls="s")]
        for place, name in enumerate(self.lines):
            y = foot - ROW * (place + 0.5)
            content.append(svg.tag("path", d=f"M{svg.num(LEFT)} {svg.num(y)}H{self.width}", class_="ax"))
            content.append(svg.text(LEFT - 10, y + 4, name, cls="s", anchor="end"))
        for place, name in enumerate(self.columns):
            content.append(svg.text(LEFT + pitch * (place + 0.5), foot + 16, name, cls="s", anchor="middle"))
        content.append(svg.text(self.width, foot + 34, self.heads[0], cls="s", anchor="end"))
        for one in self.bubbles:
            x, y = LEFT + pitch * (one.x + 0.5), foot - ROW * (one.y + 0.5)
            radius = max(2.0, LARGEST * (one.count / most) ** 0.5)
            said = described(self.columns[one.x], self.lines[one.y], svg.number(one.count), *one.texts)
            parts = [
                svg.tag("circle", cx=x, cy=y, r=max(radius, 12.0), class_="hit"),
                svg.tag("circle", cx=x, cy=y, r=radius, class_=f"f-{self.colour} soft"),
            ]
            content.append(svg.mark(parts, name=said, href=one.href))
        return content, foot + 40
