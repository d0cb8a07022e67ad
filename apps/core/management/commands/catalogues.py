"""`catalogues`: merge new messages; `--check`: name what is missing and fail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import catalogues


class Command(BaseCommand):
    help = "Merges the interface's messages into locale/, or with --check names what is missing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["check"]:
            for locale, lacking in catalogues.update().items():
                self.stdout.write(f"{locale}: {lacking} without a text")
            return
        faults = catalogues.faults()
        for fault in faults[:200]:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults in the catalogues; run bin/manage catalogues and fill them in")
