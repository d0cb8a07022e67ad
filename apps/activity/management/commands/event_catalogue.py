"""`event_catalogue`: writes the page of all behaviour events."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation

from apps.activity import document


class Command(BaseCommand):
    help = "Writes docs/api/events.md from the catalogue of behaviour events."

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "api" / "events.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        with translation.override("en"):
            path.write_text(document.page(), encoding="utf-8")
        self.stdout.write(f"{path.name} written")
