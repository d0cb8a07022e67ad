"""`issue_key "order system" --scope orders.write [--sandbox] [--store CODE]`: a key for a program, shown once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import requests
from apps.core.errors import DomainError
from apps.stores import credentials
from apps.stores.models import Scope, Store


class Command(BaseCommand):
    help = 'Issues an API key and shows it once: issue_key "order system" --scope orders.write. With --store it is a till\'s.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", action="append", choices=Scope.values, required=True, dest="scopes")
        parser.add_argument("--sandbox", action="store_true", help="a test key: it sees sandbox data only")
        parser.add_argument("--contact", default="", metavar="MAIL", help="who hears that a version of the API ends")
        parser.add_argument("--store", default="", metavar="CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {"name": options["name"], "scopes": options["scopes"], "is_sandbox": options["sandbox"]}
        try:
            with requests.acting(actor="cli"):
                issued = (
                    credentials.issue_device(store_id=_store(options["store"]), **wanted)
                    if options["store"]
                    else credentials.issue_client(**wanted, contact=options["contact"])
                )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(issued.secret)
        name = credentials.public_id(kind=issued.kind, credential_id=issued.id)
        self.stderr.write(f"To end it: revoke_key {name}")


def _store(code: str) -> int:
    found = Store.objects.filter(code=code).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"there is no store {code}")
    return found
