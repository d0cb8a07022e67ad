"""The picture of a journey: boxes in layers from the entry down, waits written on the lines, the way out on a purchase at the side.

Every way leads a layer down or further; a line over several layers keeps a lane of its own, so that it crosses no box.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from apps.console.charts import svg

WIDE, HIGH, GAP, LANE, DEEP = 190, 40, 22, 18, 74
TOP, LEFT = 4, 6


@dataclass(frozen=True)
class Box:
    """`title` and, at the right, `word`. `shape`: box, entry, dot (an end)."""

    key: str
    title: str
    word: str = ""
    shape: str = "box"
    is_wrong: bool = False


@dataclass(frozen=True)
class Line:
    start: str
    to: str
    label: str = ""


@dataclass
class Picture:
    """`leaves`: the words of the way out that any step may take; `says` is the picture in words, for those who do not see it."""

    boxes: list[Box]
    lines: list[Line]
    leaves: str = ""
    says: str = ""
    _at: dict[str, tuple[float, float]] = field(default_factory=dict)

    def svg(self, *, name: str = "journey") -> SafeString:
        layers = _layers(self.boxes, self.lines)
        self._at = _places(layers, self.boxes)
        width = max((x for x, _y in self._at.values()), default=0) + WIDE / 2 + LEFT
        height = max((y for _x, y in self._at.values()), default=0) + HIGH + 6
        side = width + 46
        whole = side + max(88, svg.width_of(self.leaves, size=13) + 28) + LEFT if self.leaves else width + 8
        parts = [svg.tag("title", self.says, id=f"{name}-t")]
        parts += [mark for line in _whole_lines(self.lines, layers) for mark in self._line(line)]
        parts += self._way_out(side, whole, height) if self.leaves else []
        parts += [self._box(box) for box in self.boxes]
        return svg.tag(
            "svg", *parts, class_="ch c-canvas", viewBox=f"0 0 {svg.num(whole)} {svg.num(height)}", width=whole, height=height,
            role="group", aria_labelledby=f"{name}-t",
        )  # fmt: skip

    def _box(self, box: Box) -> SafeString:
        x, y = self._at[box.key]
        if box.shape == "dot":
            words = svg.text(x + 13, y + 12, box.title, cls="s")
            return svg.joined([svg.tag("circle", cx=x, cy=y + 8, r=5, class_="f-mute"), words])
        tone = "s-bad" if box.is_wrong else "s-lapsing" if box.shape == "entry" else "s-step"
        left = x - WIDE / 2
        shape = svg.tag("rect", x=left, y=y, width=WIDE, height=HIGH, rx=9, class_=f"box {tone}")
        lines = svg.wrap(box.title, width=WIDE - 36 - svg.width_of(box.word, size=12))
        lines = lines if len(lines) < 3 else [lines[0], f"{lines[1][:-1]}…"]
        first = y + 25 - 8 * (len(lines) - 1)
        titles = [svg.text(left + 12, first + 16 * n, words, cls="k") for n, words in enumerate(lines)]
        marks = [shape, *titles, svg.text(left + WIDE - 12, y + 25, box.word, cls="s", anchor="end")]
        return svg.mark(marks, name=f"{box.title} {box.word}".strip(), href=f"#step-{box.key}")

    def _line(self, line: "_Route") -> Iterator[SafeString]:
        """Down, across and down again for each layer it passes; an arrow at its end."""
        points = [self._at[key] for key in line.keys]
        x, y = points[0][0], points[0][1] + HIGH
        path = f"M{svg.num(x)} {svg.num(y)}"
        for number, (to_x, to_y) in enumerate(points[1:], start=1):
            is_last = number == len(points) - 1
            middle = to_y - 14
            path += f"V{svg.num(middle)}" + (f"H{svg.num(to_x)}" if to_x != x else "")
            path += f"V{svg.num(to_y - (6 if is_last else 0))}"
            x, y = to_x, to_y
            if not is_last:
                path += f"V{svg.num(to_y + HIGH)}"
        yield svg.tag("path", d=path, class_="ln way")
        yield svg.tag("path", d=f"M{svg.num(x)} {svg.num(y)}l-4-7h8z", class_="f-way")
        if line.label:
            lines = svg.wrap(line.label, width=WIDE / 2 - 14, size=12)
            words = lines[0] if len(lines) == 1 else f"{lines[0][:-1]}…"
            at = points[1]
            yield svg.joined(
                [svg.tag("g", svg.tag("title", line.label), svg.text(at[0] + 9, at[1] - 18, words, cls="s"))]
            )

    def _way_out(self, side: float, whole: float, height: float) -> list[SafeString]:
        steps = [box for box in self.boxes if box.shape == "box"]
        if not steps:
            return []
        ys = [self._at[box.key][1] + HIGH / 2 for box in steps]
        middle = (min(ys) + max(ys)) / 2
        rail = side - 20
        rows = sorted(
            {y: max(self._at[b.key][0] for b in steps if self._at[b.key][1] + HIGH / 2 == y) for y in ys}.items()
        )
        path = "".join(f"M{svg.num(x + WIDE / 2)} {svg.num(y)}H{svg.num(rail)}" for y, x in rows)
        path += f"M{svg.num(rail)} {svg.num(min(ys))}V{svg.num(max(ys))}M{svg.num(rail)} {svg.num(middle)}H{svg.num(side - 6)}"
        pill = svg.tag(
            "rect", x=side, y=middle - 20, width=whole - side - LEFT, height=40, rx=20, class_="box s-active f-ok-soft"
        )
        words = svg.text((side + whole - LEFT) / 2, middle + 5, self.leaves, cls="k", anchor="middle")
        arrow = svg.tag("path", d=f"M{svg.num(side)} {svg.num(middle)}l-8-4v8z", class_="f-active")
        return [svg.tag("path", d=path, class_="ln out"), arrow, pill, words]


@dataclass(frozen=True)
class _Route:
    keys: tuple[str, ...]
    label: str


def _layers(boxes: list[Box], lines: list[Line]) -> list[list[str]]:
    """Keys by depth; a line over several layers leaves a lane in each, called "lane:start:to:depth"."""
    deep = {box.key: 0 for box in boxes}
    for _round in boxes:
        before = dict(deep)
        for line in lines:
            if line.start in deep and line.to in deep and deep[line.start] + 1 <= len(boxes):
                deep[line.to] = max(deep[line.to], deep[line.start] + 1)
        if before == deep:
            break
    layers: list[list[str]] = [[] for _ in range(max(deep.values(), default=0) + 1)]
    for key, depth in deep.items():
        layers[depth].append(key)
    for line in lines:
        for depth in range(deep[line.start] + 1, deep[line.to]):
            lane = _lane(line, depth)
            if lane not in layers[depth]:
                layers[depth].append(lane)
    return [_arranged(layer, above, lines) for layer, above in zip(layers, [[], *layers], strict=False)]


def _arranged(layer: list[str], above: list[str], lines: list[Line]) -> list[str]:
    """Nearest below what leads there; lanes outside."""
    order = {key: place for place, key in enumerate(above)}

    def weight(key: str) -> tuple[bool, float]:
        found = [order[line.start] for line in lines if line.to == key and line.start in order]
        return key.startswith("lane:"), sum(found) / len(found) if found else 0.0

    return sorted(layer, key=weight)


def _places(layers: list[list[str]], boxes: list[Box]) -> dict[str, tuple[float, float]]:
    """Middle of the upper edge. Every layer stands in the middle of the widest, unless a lane keeps it at the left."""
    widths = [sum(_room(key) for key in layer if not key.startswith("lane:")) for layer in layers]
    widest = max(widths, default=WIDE)
    found: dict[str, tuple[float, float]] = {}
    for depth, (layer, width) in enumerate(zip(layers, widths, strict=True)):
        x = LEFT + (widest - max(width, _room(""))) / 2
        lanes = LEFT + widest + LANE / 2
        for key in layer:
            if key.startswith("lane:"):
                found[key] = (lanes, TOP + depth * DEEP)
                lanes += LANE
            else:
                found[key] = (x + WIDE / 2, TOP + depth * DEEP)
                x += _room(key)
    return found


def _room(key: str) -> float:
    return LANE if key.startswith("lane:") else WIDE + GAP


def _lane(line: Line, depth: int) -> str:
    return f"lane:{line.start}:{line.to}:{depth}"


def _whole_lines(lines: list[Line], layers: list[list[str]]) -> Iterator[_Route]:
    deep = {key: depth for depth, layer in enumerate(layers) for key in layer}
    for line in lines:
        if deep[line.to] > deep[line.start]:
            lanes = [_lane(line, depth) for depth in range(deep[line.start] + 1, deep[line.to])]
            yield _Route((line.start, *lanes, line.to), line.label)
