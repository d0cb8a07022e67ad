"""Marks of SVG as text. Every text and attribute is escaped here and nowhere else."""

import math
from collections.abc import Iterable

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

MINUS = "\u2212"


def num(value: float) -> str:
    """A coordinate: one decimal, none when it is whole."""
    rounded = round(float(value), 1)
    return str(int(rounded)) if rounded == int(rounded) else str(rounded)


def tag(name: str, *children: object, **attrs: object) -> SafeString:
    """One element. `class_` and `_` in names become `class` and `-`; an attribute that is None or "" is left out."""
    parts = [f"<{name}"]
    for key, value in attrs.items():
        if value is None or value == "":
            continue
        text = num(value) if isinstance(value, int | float) else str(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{conditional_escape(text)}"')
    inner = joined(children)
    parts.append(f">{inner}</{name}>" if inner else "/>")
    return mark_safe("".join(parts))  # noqa: S308 - names are ours, values were escaped above


def joined(children: Iterable[object]) -> SafeString:
    """Children side by side; those that are not yet markup are escaped."""
    return mark_safe("".join(conditional_escape(_as_text(child)) for child in children))  # noqa: S308


def _as_text(child: object) -> str:
    return child if isinstance(child, str) else str(child)


def text(x: float, y: float, content: object, *, cls: str = "", anchor: str = "") -> SafeString:
    return tag("text", content, x=x, y=y, class_=cls, text_anchor=anchor)


def mark(content: Iterable[object], *, name: str, href: str = "") -> SafeString:
    """A mark that the keyboard reaches and that says itself: a link to its rows, or a named group."""
    inner = joined([tag("title", name), *content])
    if href:
        return tag("a", inner, href=href, aria_label=name)
    return tag("g", inner, tabindex="0", role="img", aria_label=name)


def number(value: float) -> str:
    """1234567 → 1,234,567; a true minus sign."""
    return f"{value:,}".replace("-", MINUS)


def signed(value: int) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def percent(rate: float) -> str:
    """0.1083 → 10.8%."""
    return f"{rate * 100:.1f}%"


def points(rate: float) -> str:
    """A difference of two rates in percentage points: 0.031 → +3.1."""
    value = round(rate * 100, 1)
    return f"{value:+.1f}".replace("-", MINUS) if value else "0.0"


def width_of(content: str, *, size: float = 12) -> float:
    """Close upper estimate of the drawn width: Han characters, arrows, long dashes and dots are one em, the rest .58 of it."""
    return sum(size if ord(char) > 0x2E7F or char in "←→—…" else size * 0.58 for char in content)


def wrap(content: str, *, width: float, size: float = 13) -> list[str]:
    """The text in lines that fit; breaks at blanks, between Han characters, and inside a word only if it must."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(content):
        if not line or width_of((line + piece).rstrip(), size=size) <= width:
            line += piece
        else:
            lines.append(line.rstrip())
            line = piece.lstrip()
        while width_of(line.rstrip(), size=size) > width and len(line.rstrip()) > 1:
            cut = _fitting(line, width=width, size=size)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(content: str) -> Iterable[str]:
    word = ""
    for char in content:
        if ord(char) > 0x2E7F:
            if word:
                yield word
            word = ""
            yield char
        else:
            word += char
            if char == " ":
                yield word
                word = ""
    if word:
        yield word


def _fitting(line: str, *, width: float, size: float) -> int:
    cut = 1
    while cut < len(line) and width_of(line[: cut + 1], size=size) <= width:
        cut += 1
    return cut


def nice_step(span: float, *, count: int = 3) -> float:
    """A round step (1, 2, 2.5, 5 × 10ⁿ) that cuts the span into about `count` parts."""
    if span <= 0:
        return 1.0
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 2.5, 5, 10):
        if raw <= factor * power * 1.0000001:
            return factor * power
    return 10 * power


def axis_number(value: float, *, chinese: bool) -> str:
    """An axis label may be short: 12,000 is 1.2万 in Chinese and 12k in English."""
    unit, word = (10_000, "\u4e07") if chinese else (1_000, "k")
    if abs(value) >= 10_000:
        if not chinese and abs(value) >= 1_000_000:
            unit, word = 1_000_000, "M"
        elif chinese and abs(value) >= 100_000_000:
            unit, word = 100_000_000, "\u4ebf"
        return f"{value / unit:.10g}{word}"
    return f"{value:,.10g}"


def hatch(key: str, *, cls: str) -> SafeString:
    """Diagonal stripes for a day that is not over."""
    stripe = tag("path", d="M0 0v6", class_=f"hat {cls}")
    pattern = tag(
        "pattern",
        stripe,
        id=f"{key}-hat",
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    return tag("defs", pattern)


def frame(
    content: Iterable[object], *, key: str, box: tuple[float, float], name: str, story: str, cls: str
) -> SafeString:
    """The `svg` itself. A group, not an image, because its marks are links."""
    return format_html(
        '<svg class="ch {}" viewBox="0 0 {} {}" role="group" aria-labelledby="{}-t" aria-describedby="{}-d">'
        '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>',
        cls, num(box[0]), num(box[1]), key, key, key, name, key, story, joined(content),
    )  # fmt: skip
