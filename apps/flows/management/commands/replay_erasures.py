"""Erase again after a backup was restored."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.flows import erasure


class Command(BaseCommand):
    help = "After restoring a backup: erase again everybody on the list of erasures (ERASURES_FILE)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{erasure.replay()} members erased again")
