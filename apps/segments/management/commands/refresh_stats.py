"""`refresh_stats`: what Celery does every ten minutes, by hand."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, OutputWrapper

from apps.core import clock
from apps.segments import refresh, selectors
from apps.segments.predictions import arguments

_WORDS = {
    "segments_due": "members to look at",
    "segments_summary": "members with kept orders summed up",
    "segments_taste": "favourite categories",
    "segments_revival": "members who came back",
    "segments_fresh": "stats computed; writing those that changed",
}


class _Voice:
    """What a refresh is at, on standard error, once it takes longer than three seconds."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._begun = time.monotonic()

    def __call__(self, table: str, rows: int) -> None:
        seconds = time.monotonic() - self._begun
        if seconds > 3:
            self._out.write(f"{rows:,} {_WORDS[table]} ({seconds:.0f} s)")


class Command(BaseCommand):
    help = "Brings members' stats, RFM scores and life stages up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--full", action="store_true", help="look at every member, not only at those with news")
        parser.add_argument(
            "--as-of", type=arguments.moment, metavar="T", help="a moment; a bare date means its end, shop time"
        )
        parser.add_argument("--json", action="store_true", help="print the figures as one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        moment = options["as_of"] or clock.now()
        last = selectors.last_refresh()
        goes_back = bool(options["as_of"] and last and moment < last.as_of)
        figures = refresh.refresh(moment, full=options["full"] or goes_back, tell=_Voice(self.stderr))
        if options["json"]:
            self.stdout.write(json.dumps(figures.counts()))
            return
        self.stdout.write(
            f"{'Full refresh' if figures.is_full else 'Refresh'} as of {clock.local(figures.as_of):%Y-%m-%d %H:%M:%S}: "
            f"{figures.looked_at:,} members looked at, {figures.changed:,} changed, {figures.stage_moves:,} stage moves, "
            f"{figures.seconds:.1f} s."
        )
