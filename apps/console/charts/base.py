"""What every chart has: a finding as its title, a table with the same figures, a time, a way to the rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.console.charts import svg

Size = Literal["s", "m", "l"]
Colour = Literal[
    "prospect", "new", "active", "lapsing", "dormant", "lost", "back", "mute", "bad", "brand", "ok", "warn"
]  # fmt: skip
WIDTHS: dict[Size, int] = {"s": 344, "m": 536, "l": 760}


@dataclass(frozen=True, kw_only=True)
class Link:
    label: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One figure as drawn. `text` is exactly the chart's label; `href` leads to its rows."""

    text: str
    href: str = ""
    figure: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Base of all kinds. `key` is unique on the page and names ids and the CSV file; `title` says the finding.

    `unit` is the word at the axis (people, messages). Figures are drawn as given: nothing is filled in or smoothed.
    """

    key: str
    title: str
    subtitle: str = ""
    unit: str = ""
    axis: str = ""  # what runs along the foot of a chart over time: "" for days
    as_of: datetime | None = None
    note: str = ""
    link: Link | None = None
    csv_url: str = ""
    empty_title: str = ""
    empty_text: str = ""
    size: Size = "s"
    opens_at_end: ClassVar[bool] = (
        False  # on a narrow screen: time runs to the right, and the newest is what is asked for
    )

    @property
    def is_empty(self) -> bool:
        raise NotImplementedError

    def table(self) -> Table:
        raise NotImplementedError

    def story(self) -> str:
        """The same figures as one sentence, for those who hear the page."""
        rows = (" ".join(cell.text for cell in row if cell.text) for row in self.table().rows)
        return "; ".join(rows)

    def draw(self) -> tuple[list[object], float]:
        """Marks and the height they need."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        return WIDTHS[self.size]

    def svg(self) -> SafeString:
        """The picture. An empty chart has none: the template shows the empty state instead."""
        content, height = self.draw()
        return svg.frame(
            content,
            key=self.key,
            box=(self.width, height),
            name=self.title,
            story=self.story(),
            cls=f"ch-{self.size}",
        )


def label(content: str, *, href: str = "") -> Cell:
    return Cell(text=content, href=href, figure=False)


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def described(*parts: str) -> str:
    """Words of one mark joined for its accessible name."""
    return _(", ").join(part for part in parts if part)
