"""`brand_settings`: list them; `brand_settings KEY JSON`: set one, checked and on the audit trail."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.core import audit, brand, requests
from apps.core.errors import NotFound


class Command(BaseCommand):
    help = "Lists the brand's settings, or sets one: brand_settings care.gate '{\"day_cap\": 2, …}'."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", nargs="?")
        parser.add_argument("value", nargs="?", help="JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["value"] is None:
            keys = [options["key"]] if options["key"] else sorted(brand.declared())
            for key in keys:
                self.stdout.write(f"{key} {json.dumps(self._read(key), ensure_ascii=False)}")
            return
        try:
            value = json.loads(options["value"])
        except json.JSONDecodeError as wrong:
            raise CommandError(f"this is not JSON: {wrong}") from None
        with requests.acting(actor="cli"), transaction.atomic():
            audit.sign()
            try:
                brand.write(options["key"], value)
            except ValueError as refusal:
                raise CommandError(str(refusal)) from None
            except NotFound:
                raise CommandError(self._unknown(options["key"])) from None

    def _read(self, key: str) -> Any:
        try:
            return brand.read(key)
        except NotFound:
            raise CommandError(self._unknown(key)) from None

    def _unknown(self, key: str) -> str:
        return f"no setting {key!r}; there are: {', '.join(sorted(brand.declared()))}"
