"""`add_staff LOGIN --role admin`: somebody who may log in to the back office. Asks for the password, or reads it from a pipe."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import requests
from apps.core.errors import DomainError
from apps.stores import staff
from apps.stores.models import Role


class Command(BaseCommand):
    help = (
        "Adds a staff member with a log-in: add_staff lin --role admin. The password is asked for, or read from a pipe."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login")
        parser.add_argument("--role", choices=Role.values, default=Role.ADMIN)
        parser.add_argument("--name", default="")
        parser.add_argument("--store", default="", metavar="CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        piped = not sys.stdin.isatty()
        password = sys.stdin.readline().rstrip("\n") if piped else getpass.getpass("Password: ")
        if not piped and getpass.getpass("Once more: ") != password:
            raise CommandError("the two differ; nothing was made")
        try:
            with requests.acting(actor="cli"):
                card = staff.add(
                    login=options["login"],
                    password=password,
                    role=options["role"],
                    name=options["name"],
                    store_code=options["store"],
                )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{card.code} may log in as {card.role}")
