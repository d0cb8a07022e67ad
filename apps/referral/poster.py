"""A member's poster as SVG, drawn here: their code and what it promises. Letters are the reader's own fonts."""

import io
from dataclasses import dataclass

import segno
from django.utils.html import escape

WIDTH, HEIGHT = 750, 1000
_CODE = 360


@dataclass(frozen=True)
class Words:
    """All of it is escaped here."""

    brand: str
    title: str
    lines: tuple[str, ...]
    name: str
    hint: str


def svg(*, link: str, words: Words) -> str:
    made = segno.make(link, error="m", micro=False)
    size = made.symbol_size(border=0)[0]
    path = path_of(made)
    scale = _CODE / size
    left, top = (WIDTH - _CODE) // 2, 430
    lines = "".join(
        f'<text x="375" y="{262 + place * 52}" font-size="36" fill="#2c3a36">{escape(line)}</text>'
        for place, line in enumerate(words.lines[:3])
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="PingFang SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif" text-anchor="middle">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#f3efe6"/>'
        f'<circle cx="375" cy="610" r="330" fill="#e3ddcd"/><circle cx="375" cy="610" r="280" fill="#fffdf8"/>'
        f'<text x="375" y="96" font-size="30" fill="#56655f">{escape(words.brand)}</text>'
        f'<text x="375" y="178" font-size="58" font-weight="600" fill="#1f4d43">{escape(words.title)}</text>{lines}'
        f'<rect x="{left - 26}" y="{top - 26}" width="{_CODE + 52}" height="{_CODE + 52}" fill="#fff"/>'
        f'<g transform="translate({left} {top}) scale({scale:.4f})">{path}</g>'
        f'<text x="375" y="880" font-size="30" fill="#2c3a36">{escape(words.name)}</text>'
        f'<text x="375" y="944" font-size="28" fill="#56655f">{escape(words.hint)}</text></svg>'
    )


def path_of(made: segno.QRCode) -> str:
    """The dark modules of a code as one path, a unit each."""
    out = io.BytesIO()
    made.save(
        out, kind="svg", border=0, xmldecl=False, svgns=False, svgclass=None, lineclass=None, nl=False, dark="#000"
    )
    drawn = out.getvalue().decode()
    return drawn[drawn.index("<path") : drawn.rindex("</svg>")]


def png(link: str) -> bytes:
    """The code alone, four modules of quiet around it, for those who print."""
    out = io.BytesIO()
    segno.make(link, error="m", micro=False).save(out, kind="png", border=4, scale=12)
    return out.getvalue()
