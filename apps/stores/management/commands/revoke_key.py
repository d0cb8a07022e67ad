"""`revoke_key cli_…`: ends an API key at once; the last four characters do, where only one living key ends so."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import requests
from apps.core.errors import NotFound
from apps.stores import credentials


class Command(BaseCommand):
    help = "Ends an API key at once: revoke_key cli_… (or dev_…), or the last four characters of the key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="cli_…, dev_…, or the last four characters")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        kind, credential_id = _ending(key) if len(key) == 4 else _named(key)
        with requests.acting(actor="cli"):
            if not credentials.revoke(kind=kind, credential_id=credential_id):
                raise CommandError("this key is unknown or revoked already")
        self.stdout.write("Revoked. Every process refuses it within two seconds.")


def _named(text: str) -> tuple[credentials.Kind, int]:
    try:
        return credentials.named(text)
    except NotFound:
        raise CommandError(f"there is no key {text}") from None


def _ending(four: str) -> tuple[credentials.Kind, int]:
    """Raises CommandError unless exactly one living key ends so."""
    living = [key for kind in credentials.KINDS for key in credentials.listed(kind) if key.revoked_at is None]
    found = [key for key in living if key.last_four == four]
    if len(found) != 1:
        names = ", ".join(
            f"{credentials.public_id(kind=key.kind, credential_id=key.id)} ({key.name})" for key in found or living
        )
        raise CommandError(f"{len(found)} living keys end in {four}; name one of: {names}")
    return found[0].kind, found[0].id
