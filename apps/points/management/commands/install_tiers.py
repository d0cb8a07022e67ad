"""`bin/manage install_tiers`: the ladder a shop begins with. One that exists stays as it is."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import requests
from apps.points import ladders
from apps.points.models import Tier


class Command(BaseCommand):
    help = "Creates the four tiers a shop begins with, and their benefits; an existing ladder is left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        with requests.acting(actor="cli"):
            ladders.install_defaults()
        for tier in Tier.objects.all():
            self.stdout.write(f"{tier.key}: {tier.name}, {tier.threshold:,}")
