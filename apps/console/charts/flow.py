"""Members by life stage and how many moved between stages: boxes in fixed places, arrows as thick as their number."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from apps.console.charts import svg
from apps.console.charts.base import Cell, Chart, Colour, Size, Table, described, label

BOX_W, BOX_H, PITCH, TOP, LOW = 104, 78, 164, 82, 218
THICKEST = 20.0
# key: (column × pitch, y, colour)
PLACES: dict[str, tuple[int, int, Colour]] = {
    "new": (0, TOP, "new"),
    "active": (PITCH, TOP, "active"),
    "lapsing": (2 * PITCH, TOP, "lapsing"),
    "dormant": (3 * PITCH, TOP, "dormant"),
    "lost": (4 * PITCH, TOP, "lost"),
    "prospect": (0, LOW, "prospect"),
    "won_back": (2 * PITCH, LOW, "back"),
}
JOINED = "joined"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One box. `key` is a life stage; `net` the change over the period shown in the corner."""

    key: str
    label: str
    count: int
    net: int | None = None
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One arrow. `source` may be "joined" for people who came in over the period."""

    source: str
    target: str
    label: str
    count: int
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class StageFlow(Chart):
    """Moves on a route that has no place in the picture stand in the table, and the caption counts them."""

    stages: tuple[Stage, ...]
    moves: tuple[Move, ...] = ()
    emphasis: str = "lapsing"
    size: Size = field(default="l")

    @property
    def is_empty(self) -> bool:
        return not any(stage.count for stage in self.stages) and not any(move.count for move in self.moves)

    def table(self) -> Table:
        names = {stage.key: stage.label for stage in self.stages}
        stages = tuple(
            (
                label(stage.label, href=stage.href),
                Cell(text=svg.number(stage.count)),
                Cell(text="" if stage.net is None else svg.signed(stage.net)),
            )
            for stage in self.stages
        )
        moves = tuple(
            (
                label(_move_name(move, names=names), href=move.href),
                Cell(text=svg.number(move.count)),
                Cell(text=""),
            )
            for move in self.moves
        )
        return Table(headers=(_("Stage or move"), _("Members"), _("Net change")), rows=stages + moves)

    def story(self) -> str:
        names = {stage.key: stage.label for stage in self.stages}
        return "; ".join(f"{_move_name(move, names=names)} {svg.number(move.count)}" for move in self.moves)

    def draw(self) -> tuple[list[object], float]:
        most = max((move.count for move in self.moves), default=0)
        arrows: list[object] = []
        elsewhere = 0
        for move in self.moves:
            route = ROUTES.get((move.source, move.target))
            if route is None:
                elsewhere += move.count
                continue
            thick = max(1.5, THICKEST * move.count / most) if most and move.count else 0.0
            arrows.append(_arrow(move, route=route, thick=thick))
        boxes = [_box(stage, strong=stage.key == self.emphasis) for stage in self.stages if stage.key in PLACES]
        caption = _("In each box: members now and net change. Arrows as thick as their number.")
        if elsewhere:
            caption += " " + _("%(count)s other moves are in the table.") % {"count": svg.number(elsewhere)}
        content = [*arrows, *boxes, svg.text(0, LOW + BOX_H + 28, caption, cls="s")]
        return content, LOW + BOX_H + 34


def _move_name(move: Move, *, names: dict[str, str]) -> str:
    if move.source == JOINED:
        return move.label
    return f"{names.get(move.source, move.source)} \u2192 {names.get(move.target, move.target)} ({move.label})"


def _box(stage: Stage, *, strong: bool) -> object:
    x, y, colour = PLACES[stage.key]
    count = svg.number(stage.count)
    net = "" if stage.net is None else svg.signed(stage.net)
    roomy = svg.width_of(stage.label, size=13) + svg.width_of(net) <= BOX_W - 30
    size = "big" if svg.width_of(count, size=20) <= BOX_W - 22 else "big tight"
    cls = f"box s-{colour}" + (" strong" if strong else "") + (" dashed" if stage.key == "prospect" else "")
    parts = [
        svg.tag("rect", x=x, y=y, width=BOX_W, height=BOX_H, rx=10, class_=cls),
        svg.text(x + 12, y + 24, stage.label, cls="k"),
        svg.text(x + 12, y + 56 - (0 if roomy else 6), count, cls=size),
        svg.text(x + BOX_W - 12, y + 24, net, cls="s", anchor="end")
        if roomy
        else svg.text(x + 12, y + 69, net, cls="s"),
    ]
    return svg.mark(parts, name=described(stage.label, count, net), href=stage.href)


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where an arrow runs: its corner points, its colour, where its words stand and how they are anchored."""

    points: tuple[tuple[float, float], ...]
    colour: Colour
    words: tuple[float, float]
    anchor: str = "middle"
    stacked: bool = False


def _column(index: int) -> float:
    return index * PITCH


def _across(index: int, *, y: float = TOP + 27) -> tuple[tuple[float, float], ...]:
    return ((_column(index) + BOX_W, y), (_column(index + 1), y))


def _centre(index: int) -> float:
    return _column(index) + BOX_W / 2


def _gap(index: int) -> float:
    return _column(index) + BOX_W + (PITCH - BOX_W) / 2


FOOT = TOP + BOX_H
ROUTES: dict[tuple[str, str], Route] = {
    ("new", "active"): Route(points=_across(0), colour="active", words=(_gap(0), 58), stacked=True),
    ("active", "lapsing"): Route(points=_across(1), colour="lapsing", words=(_gap(1), 58), stacked=True),
    ("lapsing", "dormant"): Route(points=_across(2), colour="dormant", words=(_gap(2), 58), stacked=True),
    ("dormant", "lost"): Route(points=_across(3), colour="lost", words=(_gap(3), 58), stacked=True),
    ("lapsing", "active"): Route(
        points=((_column(2), TOP + 59), (_column(1) + BOX_W, TOP + 59)), colour="active", words=(_gap(1), FOOT + 18)
    ),
    ("new", "lapsing"): Route(
        points=((_centre(0), TOP), (_centre(0), 26), (_centre(2), 26), (_centre(2), TOP)),
        colour="lapsing",
        words=(_centre(1), 12),
    ),
    ("prospect", "new"): Route(
        points=((_centre(0), LOW), (_centre(0), FOOT)), colour="new", words=(_centre(0) + 18, 194), anchor="start"
    ),
    ("won_back", "lapsing"): Route(
        points=((_centre(2), LOW), (_centre(2), FOOT)), colour="lapsing", words=(_centre(2) + 18, 194), anchor="start"
    ),
    ("dormant", "won_back"): Route(
        points=((_centre(3), FOOT), (_centre(3), LOW + 22), (_column(2) + BOX_W, LOW + 22)),
        colour="back",
        words=(_column(2) + BOX_W + 56, LOW + 16),
    ),
    ("lost", "won_back"): Route(
        points=((_centre(4), FOOT), (_centre(4), LOW + 58), (_column(2) + BOX_W, LOW + 58)),
        colour="back",
        words=(_column(3) + 82, LOW + 52),
    ),
    ("won_back", "active"): Route(
        points=((_column(2), LOW + 40), (_centre(1), LOW + 40), (_centre(1), FOOT)),
        colour="active",
        words=((_centre(1) + _column(2)) / 2, LOW + 34),
    ),
    (JOINED, "prospect"): Route(
        points=((BOX_W + 46, LOW + 40), (BOX_W, LOW + 40)),
        colour="prospect",
        words=(BOX_W + 14, LOW + 66),
        anchor="start",
    ),
}


def _arrow(move: Move, *, route: Route, thick: float) -> object:
    count = svg.number(move.count)
    shape = _shaft(route, thick=thick)
    x, y = route.words
    if route.stacked:
        words: list[object] = [
            svg.text(x, y - 16, move.label, cls="s", anchor="middle"),
            svg.text(x, y, count, cls="k", anchor="middle"),
        ]
    else:
        rise = max(0.0, thick / 2 - 1) if route.anchor == "middle" and y != FOOT + 18 else 0.0
        push = thick / 2 if route.anchor == "start" and move.source != JOINED else 0.0
        both = [svg.tag("tspan", count, class_="k"), svg.tag("tspan", move.label, class_="s", dx=5)]
        words = [svg.text(x + push, y - rise, svg.joined(both), anchor=route.anchor)]
    return svg.mark([*shape, *words], name=described(move.label, count), href=move.href)


def _shaft(route: Route, *, thick: float) -> list[object]:
    """Line and head. No movement at all is a thin dashed line: the way exists, nobody went."""
    *rest, before, tip = route.points
    long, half = max(10.0, thick * 0.62), max(6.0, thick / 2 + 4)
    dx, dy = _towards(before, tip)
    neck = (tip[0] - dx * long, tip[1] - dy * long)
    line = "M" + "L".join(f"{svg.num(px)} {svg.num(py)}" for px, py in [*rest, before, neck])
    side = ((neck[0] - dy * half, neck[1] + dx * half), (neck[0] + dy * half, neck[1] - dx * half))
    head = "M" + "L".join(f"{svg.num(px)} {svg.num(py)}" for px, py in (tip, *side)) + "Z"
    if not thick:
        return [svg.tag("path", d=line, class_="ln none"), svg.tag("path", d=head, class_="f-mute")]
    return [
        svg.tag("path", d=line, class_=f"ln s-{route.colour}", stroke_width=thick),
        svg.tag("path", d=head, class_=f"f-{route.colour}"),
    ]


def _towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = abs(dx) + abs(dy)  # routes turn at right angles, so one of them is zero
    return dx / length, dy / length
