"""`install_points`: the earning rules and achievements a shop begins with. Those that exist, edited or paused, stay as they are."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import requests
from apps.points import defaults


class Command(BaseCommand):
    help = "Creates and publishes the earning rules and achievements a shop begins with; existing ones are left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        with requests.acting(actor="cli"):
            for key in defaults.install():
                self.stdout.write(key)
