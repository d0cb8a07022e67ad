"""The style page: every part of the house on one page, drawn with samples."""

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.console import style_samples as samples
from apps.core import clock

FACES = {"portal": "portal/specimen.html", "counter": "counter/specimen.html"}
# foreground, ground, needed ratio: measured in the browser from the tokens as they are
PAIRS = (
    ("ink", "bg", 4.5), ("ink-2", "bg", 4.5), ("ink-3", "bg", 4.5), ("ink-3", "sunken", 4.5), ("line-strong", "bg", 3.0),
    ("on-brand", "brand-fill", 4.5), ("brand-ink", "bg", 4.5), ("brand-ink", "brand-soft", 4.5),
    ("on-accent", "accent-fill", 4.5), ("accent-ink", "accent-soft", 4.5), ("on-card", "card", 4.5),
    ("on-card-2", "card", 4.5), ("card-glow", "card", 4.5), ("ok-ink", "ok-soft", 4.5), ("warn-ink", "warn-soft", 4.5),
    ("bad-ink", "bad-soft", 4.5), ("info-ink", "info-soft", 4.5),
    ("k-prospect", "surface", 3.0), ("k-new", "surface", 3.0), ("k-active", "surface", 3.0), ("k-lapsing", "surface", 3.0),
    ("k-dormant", "surface", 3.0), ("k-lost", "surface", 3.0), ("k-back", "surface", 3.0), ("k-mute", "surface", 3.0),
    ("k-bad", "surface", 3.0),
)  # fmt: skip
TYPE_SIZES = (12, 13, 14, 15, 17, 20, 24, 32, 44)


@cache
def icon_names() -> tuple[str, ...]:
    sprite = Path(settings.BASE_DIR) / "static" / "shared" / "icons.svg"
    return tuple(re.findall(r'<symbol id="i-([a-z]+)"', sprite.read_text(encoding="utf-8")))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """`?face=portal` or `counter` shows that face's own frame with samples."""
    words = samples.Words()
    face = FACES.get(request.GET.get("face", ""))
    if face:
        return render(request, face, {"s": words})
    moment = clock.now()
    return render(
        request,
        "console/style.html",
        {
            "s": words,
            "moment": moment,
            "pairs": PAIRS,
            "type_sizes": TYPE_SIZES,
            "icons": icon_names(),
            "flow": samples.stage_flow(moment=moment),
            "forest": samples.forest(),
            "days": samples.day_bars(),
            "states": samples.message_states(),
            "reasons": samples.skip_reasons(),
            "line": samples.line(moment=moment),
            "spark": samples.sparkline(),
            "nothing": samples.nothing(),
            "huge": samples.huge(),
            "big_days": samples.day_bars(key="sample-big-days", scale=31_250, size="m"),
            "running": samples.progress("running"),
            "paused": samples.progress("paused"),
            "entries": samples.timeline(moment=moment),
            "pairs_of_member": (
                (_("Card"), "888 201 937"),
                (_("Stage"), samples.both("将流失", "Lapsing")),
                (_("Orders"), "14", "#tokens"),
                (_("Net total"), "¥6,045.00"),
            ),
            "options": (
                ("week", samples.both("本周", "This week"), True),
                ("month", samples.both("本月", "This month"), False),
            ),
            "stages": (
                ("prospect", samples.both("潜客", "Prospect")), ("new", samples.both("新客", "New")),
                ("active", samples.both("活跃", "Active")), ("lapsing", samples.both("将流失", "Lapsing")),
                ("dormant", samples.both("沉睡", "Dormant")), ("lost", samples.both("流失", "Lost")),
                ("won_back", samples.both("赢回", "Won back")),
            ),
            "dialog": {
                "title": samples.both("停用“将流失提醒”？", "Stop “Reminder when lapsing”?"),
                "text": samples.both(
                    "312条还没发的会取消，已送达的1,562条不受影响。",
                    "312 unsent messages are cancelled. The 1,562 delivered ones stay as they are.",
                ),
                "verb": samples.both("停用", "Stop it"),
                "keep": samples.both("先不停", "Keep it"),
            },
        },
    )  # fmt: skip
