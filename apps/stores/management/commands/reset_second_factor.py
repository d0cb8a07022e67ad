"""`reset_second_factor LOGIN`: for somebody who lost phone, keys and recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import requests
from apps.core.models import User
from apps.stores import second_factor


class Command(BaseCommand):
    help = "Switches a person's second factors off; the next log-in takes the password, and asks for a new one where the role needs it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["login"]).first()
        if user is None:
            raise CommandError("nobody logs in by that name")
        with requests.acting(actor="cli"):
            second_factor.reset(user)
        self.stdout.write(f"{user} logs in with the password alone")
