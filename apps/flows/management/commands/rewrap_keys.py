"""`rewrap_keys`: after a new key was put first in FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import audit, requests
from apps.members import rotation
from apps.stores import second_factor
from apps.webhooks import signing


class Command(BaseCommand):
    help = "Wraps members' keys, second factors and webhook secrets under the first of FIELD_KEYS; an older one may go then."

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        for done in rotation.rewrap_all():
            self.stderr.write(f"{done:,} members' keys wrapped anew")
        factors, hooks = second_factor.rewrap_secrets(), signing.rewrap()
        with requests.acting(actor="cli"):
            audit.record(
                "member_keys.rewrapped",
                object_type="members_memberkey",
                object_id="all",
                after={"count": done, "second_factors": factors, "webhook_secrets": hooks},
            )
        self.stdout.write(f"{done:,} keys wrapped anew; none is left under an older field key.")
