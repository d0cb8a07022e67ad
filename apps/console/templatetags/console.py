"""Tags of the console: icons, charts, navigation, and figures as staff read them. `docs/design.md` lists them."""

import datetime as dt
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.console import navigation as nav
from apps.console.charts import Chart, Sparkline
from apps.console.charts import svg as marks
from apps.core import clock
from apps.core import money as amounts
from apps.stores.models import Role

register = template.Library()


@register.simple_tag
def icon(name: str, cls: str = "") -> SafeString:
    """`{% icon "gate" %}`: one symbol of static/shared/icons.svg, silent for screen readers."""
    return format_html(
        '<svg class="i {}" aria-hidden="true"><use href="{}#i-{}"/></svg>', cls, static("shared/icons.svg"), name
    )


@register.simple_tag
def art(name: str) -> SafeString:
    """`{% art "gate" %}`: the larger drawing of a state (gate, filter, error, bars, ticket, code, ok, lost, lock)."""
    return format_html(
        '<svg class="art" aria-hidden="true"><use href="{}#art-{}"/></svg>', static("shared/icons.svg"), name
    )


@register.inclusion_tag("console/_chart.html")
def chart(drawn: Chart, level: int = 2) -> dict[str, Any]:
    """`{% chart obj %}`: title, picture, table twin, foot. `level=3` for the second chart of a card."""
    return {"chart": drawn, "table": drawn.table(), "level": level}


@register.simple_tag
def spark(line: Sparkline) -> SafeString:
    return line.svg()


@register.inclusion_tag("console/_nav.html", takes_context=True)
def navigation(context: dict[str, Any]) -> dict[str, Any]:
    return {"groups": nav.places(context["request"])}


@register.simple_tag(takes_context=True)
def address(context: dict[str, Any], url_name: str, permission: str = "") -> str:
    """`{% address "console:members" "members.view" as url %}`: the address, "" where it is missing or not allowed."""
    href = nav.address(url_name)
    return href if href and nav.allowed(context["request"], permission=permission) else ""


@register.simple_tag
def meter(part: float, whole: float, name: str = "", colour: str = "brand") -> SafeString:
    """`{% meter 9640 12386 "SMS" %}`: a thin bar, part of whole."""
    share = min(100.0, max(0.0, part / whole * 100)) if whole else 0.0
    width = f"{share:.1f}%"
    bar = marks.tag("rect", width=width, height="100%", class_=f"f-{colour}")
    return marks.tag(
        "svg", bar, class_="c-meter", width="100%", height=8, role="img", aria_label=f"{name} {share:.0f}%".strip()
    )


@register.filter
def figure(value: float | None) -> str:
    """1234567 → 1,234,567; nothing stays empty."""
    return "" if value is None or value == "" else marks.number(value)


@register.filter
def signed(value: int | None) -> str:
    return "" if value is None else marks.signed(value)


@register.filter
def money(cents: int | None) -> str:
    """分 → ¥1,234.50."""
    return "" if cents is None or cents == "" else amounts.show(cents)


@register.filter
def moment(value: dt.datetime | None) -> str:
    """10:32:05 for today, with the date before for other days, Asia/Shanghai."""
    return _shown(value, "%H:%M:%S")


@register.filter
def minute(value: dt.datetime | None) -> str:
    """The same without seconds: for what is promised."""
    return _shown(value, "%H:%M")


@register.filter
def clock_time(value: dt.datetime) -> str:
    """10:32, Asia/Shanghai: where the day stands beside it."""
    return clock.local(value).strftime("%H:%M")


def _shown(value: dt.datetime | None, style: str) -> str:
    if value is None:
        return ""
    local, today = clock.local(value), clock.local(clock.now())
    time = local.strftime(style)
    if local.date() == today.date():
        return time
    return f"{date_format(local, 'MONTH_DAY_FORMAT' if local.year == today.year else 'DATE_FORMAT')} {time}"


@register.filter
def duration(seconds: float | None) -> str:
    """75 → 1 min 15 s; the two largest units, whole minutes without seconds."""
    if seconds is None:
        return ""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes and not rest:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    if minutes:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return _("%(seconds)s s") % {"seconds": rest}


@register.simple_tag
def as_of(value: dt.datetime | None) -> SafeString | str:
    """`{% as_of moment %}`: how fresh the figures are."""
    if value is None:
        return ""
    words = _("Data as of %(time)s") % {"time": moment(value)}
    return format_html('<time class="c-asof num" datetime="{}">{}</time>', value.isoformat(), words)


@register.filter
def role_name(role: str) -> str:
    return str(Role(role).label) if role in Role.values else role


@register.filter
def initial(user: object) -> str:
    """The first character of the name in the round sign."""
    name = str(getattr(user, "display_name", "") or getattr(user, "first_name", "") or user or "?")
    return name.strip()[:1].upper() or "?"
