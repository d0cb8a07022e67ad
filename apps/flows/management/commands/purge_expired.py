"""Remove rows whose declared age is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import runs
from apps.flows import retention


class Command(BaseCommand):
    help = "Remove rows whose declared age is over; --dry-run counts them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, remove nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            for row in retention.due():
                self.stdout.write(f"{row.model}: {row.rows} older than {row.days} days by {row.since}")
            return
        with runs.recorded(retention.TASK) as figures:
            figures.update(retention.run())
        for label, count in figures.items():
            self.stdout.write(f"{label}: {count} removed")
