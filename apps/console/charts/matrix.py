"""A matrix: two kinds of labels, a figure in each cell, the darker the more. Cohorts, hours of the week, moves between groups."""

from dataclasses import dataclass

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Table, described, label

ROW, HEAD, PAD = 30.0, 26.0, 10.0


@dataclass(frozen=True, kw_only=True)
class Box:
    """`text` is what the cell says, "" nothing; `weight` 0 to 1 how dark it is; `spoken` what it means, where its text does not say."""

    text: str
    weight: float = 0.0
    href: str = ""
    spoken: str = ""


@dataclass(frozen=True, kw_only=True)
class Matrix(Chart):
    """`corner` names the rows; `columns` stand over the boxes; `more`: figures between the row's name and its boxes, by heading."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...], tuple[Box, ...]], ...]
    more: tuple[str, ...] = ()
    colour: Colour = "active"
    has_text: bool = True  # False: boxes too small for figures, which stand in the table

    @property
    def is_empty(self) -> bool:
        return not any(box.weight for _name, _more, boxes in self.rows for box in boxes)

    def table(self) -> Table:
        headers = (self.corner, *self.more, *self.columns)
        rows = tuple(
            (label(name), *(Cell(text=text) for text in more), *(Cell(text=box.text, href=box.href) for box in boxes))
            for name, more, boxes in self.rows
        )
        return Table(headers=headers, rows=rows)

    def story(self) -> str:
        """The darkest five: the table has the rest."""
        said = [
            (box.weight, described(name, column, box.text))
            for name, _more, boxes in self.rows
            for column, box in zip(self.columns, boxes, strict=False)
            if box.weight
        ]
        return "; ".join(text for _weight, text in sorted(said, key=lambda one: -one[0])[:5])

    def draw(self) -> tuple[list[object], float]:
        names = max([svg.width_of(self.corner), *(svg.width_of(name) for name, _more, _boxes in self.rows)]) + PAD
        beside = [
            max([svg.width_of(head), *(svg.width_of(more[place]) for _name, more, _boxes in self.rows)]) + PAD
            for place, head in enumerate(self.more)
        ]
        left = names + sum(beside)
        pitch = (self.width - left) / max(len(self.columns), 1)
        content: list[object] = [svg.text(0, 14, self.corner, cls="s")]
        x = names
        for title, wide in zip(self.more, beside, strict=True):
            x += wide
            content.append(svg.text(x - PAD, 14, title, cls="s", anchor="end"))
        is_tight = max((svg.width_of(column) for column in self.columns), default=0) + 4 > pitch
        head = HEAD + (14 if is_tight else 0)
        for place, column in enumerate(self.columns):  # names wider than their column stand on two lines in turn
            line = 28 if is_tight and place % 2 else 14
            content.append(svg.text(left + pitch * (place + 0.5), line, column, cls="s", anchor="middle"))
        for number, (name, more, boxes) in enumerate(self.rows):
            y = head + number * ROW
            content.append(svg.text(0, y + 19, name))
            x = names
            for text, wide in zip(more, beside, strict=True):
                x += wide
                content.append(svg.text(x - PAD, y + 19, text, anchor="end"))
            for place, (column, box) in enumerate(zip(self.columns, boxes, strict=False)):
                if box.text:
                    said = described(name, column, box.spoken or box.text)
                    content.append(self._box(box, name=said, x=left + pitch * place, y=y, pitch=pitch))
        return content, head + len(self.rows) * ROW + 4

    def _box(self, box: Box, *, name: str, x: float, y: float, pitch: float) -> object:
        shade = f"{0.06 + 0.5 * min(max(box.weight, 0.0), 1.0):.2f}" if box.weight else "0"
        size = {"width": max(pitch - 2, 1.0), "height": ROW - 2, "rx": 3}
        parts: list[object] = [svg.tag("rect", x=x + 1, y=y + 1, class_=f"f-{self.colour}", fill_opacity=shade, **size)]
        if self.has_text:
            parts.append(svg.text(x + pitch / 2, y + 19, box.text, cls="v", anchor="middle"))
        return svg.mark(parts, name=name, href=box.href)
