"""Figures as the till shows them."""

from datetime import datetime

from django import template

from apps.core import clock

register = template.Library()


@register.filter
def hour_minute(moment: datetime) -> str:
    """15:08, shop time."""
    return f"{clock.local(moment):%H:%M}"
