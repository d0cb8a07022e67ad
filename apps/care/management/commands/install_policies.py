"""`install_policies`: the five policies a shop begins with. Those that exist, edited or paused, stay as they are."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.care import policies
from apps.core import requests


class Command(BaseCommand):
    help = "Creates and publishes the five policies a shop begins with; existing ones are left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        with requests.acting(actor="cli"):
            made = policies.install_defaults()
        for policy in made:
            self.stdout.write(f"{policy.key}: {policy.name}")
