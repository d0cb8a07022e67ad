"""`bin/manage roll_up`: the daily figures the pages read, by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.analytics import rollup
from apps.core import clock


class Command(BaseCommand):
    help = "Recompute the daily figures of the last days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, help="how many shop days, today included (default: what is owed)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= 3660:
            raise CommandError("--days is a number from 1 to 3660")
        rolled = rollup.roll_up(moment=clock.now(), days=options["days"])
        self.stdout.write(f"{rolled.figures} figures, {rolled.first} to {rolled.last}")
