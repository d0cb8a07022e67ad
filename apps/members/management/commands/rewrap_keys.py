"""`rewrap_keys`: after a new key was put first in FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import audit, requests
from apps.members import rotation


class Command(BaseCommand):
    help = "Wraps members' keys under the first key of FIELD_KEYS; the old one may be removed when it has ended."

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        for done in rotation.rewrap_all():
            self.stderr.write(f"{done:,} members' keys wrapped anew")
        with requests.acting(actor="cli"):
            audit.record(
                "member_keys.rewrapped", object_type="members_memberkey", object_id="all", after={"count": done}
            )
        self.stdout.write(f"{done:,} keys wrapped anew; none is left under an older field key.")
