"""Phones of demo members, told on the log-in page of a demo and nowhere else."""

from django.conf import settings

from apps.core import brand
from apps.flows.demo import log_ins


def phones() -> list[str]:
    """Empty where there is no demo, or where messages could reach a real phone."""
    if settings.SMS_PROVIDER != "simulator" or not brand.read("core.demo"):
        return []
    return log_ins.log_in_phones()
