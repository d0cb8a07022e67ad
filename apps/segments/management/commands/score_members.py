"""`score_members`: what the active version says of every buyer, and when they will need things again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import clock
from apps.segments.predictions import arguments, scoring


class Command(BaseCommand):
    help = "Predicts lapsing, orders and value of every buyer by the active version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of", type=arguments.moment, metavar="T", help="a moment; a bare date means its end, shop time"
        )
        parser.add_argument("--quiet", action="store_true", help="print nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        run = scoring.score(options["as_of"] or clock.now())
        if options["quiet"]:
            return
        if not run.is_sufficient:
            self.stdout.write(f"Not enough data, nobody is scored: {run.sufficiency}")
        elif not run.scored:
            self.stdout.write("No version is active: fit one first (fit_predictions).")
        self.stdout.write(
            f"{run.scored:,} scored, {run.changed:,} changed, {run.removed:,} removed, {run.seconds:.1f} s."
        )
