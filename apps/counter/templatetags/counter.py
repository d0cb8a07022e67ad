"""Figures as the till shows them."""

import datetime as dt

from django import template
from django.utils.formats import date_format

from apps.core import clock

register = template.Library()


@register.filter
def hour_minute(moment: dt.datetime) -> str:
    """15:08, shop time."""
    return f"{clock.local(moment):%H:%M}"


@register.filter
def on_paper(value: dt.datetime) -> str:
    """With its whole date and the minute, Asia/Shanghai: a slip is read on other days too."""
    local = clock.local(value)
    return f"{date_format(local, 'DATE_FORMAT')} {local:%H:%M}"
