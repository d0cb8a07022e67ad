"""Work out who is in each segment."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.core import clock
from apps.segments import building


class Command(BaseCommand):
    help = "Bring the members of every segment up to now: by what changed, or with --full from the beginning."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true", help="all segments from the beginning")
        parser.add_argument("--as-of", type=clock.parse, default=None, help="a day or moment instead of now")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = building.build(options["as_of"] or clock.now(), full=options["full"])
        self.stdout.write(json.dumps(figures.counts()))
