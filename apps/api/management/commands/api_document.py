"""`api_document [--write]`: shows the OpenAPI document, or puts it into docs/api/openapi.json when nothing in it breaks a client.

With it go the parts of the SDKs that are made from it.
"""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.api import document, sdk

PUBLISHED = settings.BASE_DIR / "docs" / "api" / "openapi.json"


class Command(BaseCommand):
    help = "Writes the OpenAPI document of this code; refuses changes that break clients of the same Api-Version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="into docs/api/openapi.json")

    def handle(self, *args: Any, **options: Any) -> None:
        made = document.built()
        text = json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        if not options["write"]:
            self.stdout.write(text)
            return
        before = json.loads(PUBLISHED.read_text()) if PUBLISHED.exists() else made
        same_version = before["info"]["version"] == made["info"]["version"]
        if same_version and (broken := document.breaks(before, made)):
            raise CommandError("This would break clients; begin a new Api-Version:\n" + "\n".join(broken))
        PUBLISHED.write_text(text)
        for path, content in sdk.files(json.loads(text)).items():
            (settings.BASE_DIR / path).write_text(content)
        self.stdout.write(f"{len(list(document.operations(made)))} operations\n")
