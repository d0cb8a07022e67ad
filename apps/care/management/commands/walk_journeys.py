"""`bin/manage walk_journeys [--as-of T]`: one tick of the journeys by hand; beat sends one a minute."""

from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from apps.care.journeys import stepping
from apps.care.management.moments import moment
from apps.core import clock


class Command(BaseCommand):
    help = "Bring every running journey up to a moment: who enters, who leaves, whose step is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of", help="ISO 8601 moment or date (its last moment), shop time unless it has an offset"
        )

    def handle(self, *args: object, **options: Any) -> None:
        at = moment(options["as_of"]) if options["as_of"] else clock.now()
        with clock.frozen(at) if options["as_of"] else nullcontext():
            figures = stepping.tick(at, seconds=3600)
        words = {"entered": figures.entered, "ended": figures.ended, "steps": figures.steps.total()}
        self.stdout.write(_("Entered %(entered)d, ended %(ended)d, steps %(steps)d.") % words)
        for step in figures.failed:
            self.stdout.write(_("  could not be taken: %(step)s") % {"step": step})
