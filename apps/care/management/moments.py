"""Moments that commands are given."""

from datetime import datetime

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from apps.core import clock


def moment(text: str) -> datetime:
    """Raises CommandError."""
    try:
        return clock.parse(text)
    except ValueError as wrong:
        raise CommandError(_("--as-of is not a date or time: %(text)s") % {"text": text[:40]}) from wrong
