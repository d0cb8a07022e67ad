"""What the pages of the mall say: names in the reader's language, tiles, reasons."""

import datetime as dt
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext

from apps.points.mall_errors import REASONS
from apps.points.models import Exchange, Reward
from apps.points.offers import Offer
from apps.portal.templatetags.portal import day

register = template.Library()


@register.filter
def told(thing: Any, field: str) -> str:
    """`{{ reward|told:"name" }}`: the English text where English is read and there is one."""
    english = getattr(thing, f"{field}_en", "")
    is_english = not (get_language() or "").startswith("zh")
    return str(english if is_english and english else getattr(thing, field))


@register.simple_tag
def motif(reward: Reward, cls: str = "") -> SafeString:
    """The tile of a reward, silent for screen readers: its picture, else a drawing whose tone follows from the key."""
    if reward.picture_id:
        address = reverse("portal:reward_picture", args=[reward.picture_id])
        return format_html('<img class="motif photo {}" src="{}" alt="" loading="lazy">', cls, address)
    tone = sum(reward.key.encode()) % 4
    return format_html(
        '<svg class="motif t{} {}" viewBox="0 0 120 96" preserveAspectRatio="xMidYMid slice" aria-hidden="true">'
        '<use href="{}#m-{}"/></svg>',
        tone,
        cls,
        static("shared/motifs.svg"),
        reward.motif,
    )


@register.filter
def why_not(offer: Offer) -> str:
    """The gravest reason in a sentence; "" when it can be had."""
    if not offer.reasons:
        return ""
    if offer.reasons[0] == "insufficient_balance":
        text = ngettext("%(n)s point to go", "%(n)s points to go", offer.short_by)
        return text % {"n": f"{offer.short_by:,}"}
    return str(REASONS[offer.reasons[0]])


@register.filter
def exchange_state(row: Exchange) -> str:
    """In a member's words; a virtual reward was not handed over by anybody."""
    if row.state == Exchange.State.DONE and row.reward.kind == Reward.Kind.VIRTUAL:
        return pgettext("rewards", "Delivered")
    return str(Exchange.State(row.state).label)


@register.filter
def last_day(ends: dt.datetime | None) -> str:
    """The last whole day before the moment on which something is over."""
    return day(ends - dt.timedelta(microseconds=1)) if ends else ""
