"""Segments and traits that somebody would have made by now; the house works them out within a minute of its start."""

from django.utils import translation

from apps.segments import defining, presets
from apps.segments.traits import defining as traits

SEGMENTS = ("best", "lapsing", "asleep-valuable", "birthday-soon", "points-expiring")
TRAITS = (
    ("spent-90", "近90天消费", {"kind": "sum", "over": "orders", "of": "net_cents", "within": {"last_days": 90}}),
    ("favourite", "最常买的三个品类", {"kind": "top", "over": "lines", "of": "category", "n": 3, "within": {"last_days": 180}}),
)  # fmt: skip


def make() -> tuple[int, int]:
    """Returns how many segments and traits there are."""
    with translation.override("zh-hans"):
        for key in SEGMENTS:
            ready = presets.BY_KEY[key]
            defining.create(key=key, name=str(ready.name), rule=ready.rule)
    for key, name, definition in TRAITS:
        traits.create(key=key, name=name, definition=definition)
    return len(SEGMENTS), len(TRAITS)
