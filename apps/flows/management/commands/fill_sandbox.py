"""`fill_sandbox`: the invented members of the sandbox, each in their place again; see `docs/api/sandbox.md`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import requests
from apps.core.errors import DomainError
from apps.flows import sandbox


class Command(BaseCommand):
    help = "Puts the invented members of the sandbox (API_SANDBOX=1) into their places again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with requests.acting(actor="cli"):
                members = sandbox.fill()
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{members} members stand in their places.")
