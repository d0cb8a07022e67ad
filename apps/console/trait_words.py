"""Definitions of traits in words, and their values."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.console import behaviour, segment_words
from apps.console.templatetags.console import moment as in_time
from apps.console.trait_form import KINDS, OF, OVER
from apps.core import money
from apps.segments.traits import shape


def sentence(definition: dict[str, Any]) -> str:
    """The whole definition in the reader's language."""
    if definition["kind"] == "score":
        return _score(definition)
    what, source = str(dict(KINDS)[definition["kind"]]), str(dict(OVER)[definition["over"]])
    if definition["over"] == "events":
        source = _("%(source)s “%(event)s”") % {"source": source, "event": behaviour.title(definition["event"])}
    of = definition.get("of", "")
    if of:
        name = of.removeprefix(shape.PROPERTY) if of.startswith(shape.PROPERTY) else str(dict(OF)[of])
        source = _("%(source)s, %(column)s") % {"source": source, "column": name}
    parts = [source]
    if "within" in definition:
        parts.append(segment_words.window(definition["within"]))
    parts += [", ".join(words) for words in definition.get("where", {}).values() if isinstance(words, list)]
    return pgettext("trait", "%(what)s: %(parts)s") % {"what": what, "parts": " · ".join(parts)}


def shown(value: Any, definition: dict[str, Any]) -> str:
    """A value as pages show it; "" where there is none."""
    if value is None:
        return ""
    if isinstance(value, int | float) and definition.get("of") in {"net_cents", "cents"}:
        return money.show(round(value))
    if isinstance(value, datetime):
        return str(in_time(value))
    if isinstance(value, list):
        return _(", ").join(value)
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _score(definition: dict[str, Any]) -> str:
    points = _(", ").join(_entry(entry) for entry in definition["entries"])
    parts = [points, _("over %(days)s days") % {"days": definition["days"]}]
    if "half_life_days" in definition:
        parts.append(_("half of it after %(days)s days") % {"days": definition["half_life_days"]})
    if "cap" in definition:
        parts.append(_("at most %(cap)s") % {"cap": definition["cap"]})
    if "floor" in definition:
        parts.append(_("at least %(floor)s") % {"floor": definition["floor"]})
    return " · ".join(parts)


def _entry(entry: dict[str, Any]) -> str:
    name = _("a kept order") if entry["event"] == shape.ORDER else behaviour.title(entry["event"])
    text = _("%(points)s for %(event)s") % {"points": f"{entry['points']:+d}", "event": name}
    if "most_a_day" in entry:
        text = _("%(entry)s (at most %(count)s a day)") % {"entry": text, "count": entry["most_a_day"]}
    return text
