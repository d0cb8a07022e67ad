"""`bin/manage take_openings`: points, growth and tiers that members brought along, once each; see docs/tiers.md."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from apps.core import requests
from apps.points import openings


class Command(BaseCommand):
    help = "Takes over opening points, growth and tiers that wait. Again, or after a kill: only what still waits."

    def handle(self, *args: Any, **options: Any) -> None:
        with requests.acting(actor="cli"):
            taken = openings.take(report=self._say)
        text = _(
            "%(points)s points, %(growth)s growth, %(tiers)s tiers taken over; %(unknown_tiers)s tiers nobody knows."
        )
        self.stdout.write(text % taken.counts())

    def _say(self, taken: int) -> None:
        self.stdout.write(f"  {taken:,}")
        self.stdout.flush()
