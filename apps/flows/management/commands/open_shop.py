"""`bin/manage open_shop`: what a shop begins with, care policies and tiers. Those that exist, edited or paused, stay as they are."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Installs the care policies and the tiers a shop begins with; existing ones are left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        for command in ("install_policies", "install_tiers"):
            call_command(command, stdout=self.stdout)
