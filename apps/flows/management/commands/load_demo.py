"""Fill an empty installation with the demo shop."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import requests
from apps.core.errors import DomainError
from apps.flows.demo import loading


class Command(BaseCommand):
    help = (
        "Load the demo shop 禾汀: a year of orders, its last 90 days replayed with care. Does nothing when it is there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--households", type=int, help="fewer members than 2,469, for a quick look")
        parser.add_argument("--no-replay", action="store_true", help="orders only: no care, no messages")

    def handle(self, *args: Any, households: int | None, no_replay: bool, **options: Any) -> None:
        if households is not None and households < 1:
            raise CommandError("--households must be 1 or more")
        try:
            with requests.acting(actor="cli"):
                loaded = loading.load(households=households, with_replay=not no_replay, say=self._say)
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        verb = "loaded" if loaded.is_new else "is here already"
        self.stdout.write(f"The demo {verb}: {loaded.members:,} members, {loaded.orders:,} orders.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
