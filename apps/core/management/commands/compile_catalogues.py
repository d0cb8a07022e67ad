"""`compile_catalogues`: .po → .mo without gettext's programs."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import catalogues


class Command(BaseCommand):
    help = "Compiles the message catalogues."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{catalogues.compile_all()} messages compiled")
