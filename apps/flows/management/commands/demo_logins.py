"""Print the log-ins of the demo: one per role, and phones of members."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.flows.demo import log_ins


class Command(BaseCommand):
    help = "Show the demo's log-ins. Prints nothing where there is no demo."

    def handle(self, *args: Any, **options: Any) -> None:
        staff = log_ins.log_ins()
        if not staff:
            return
        rows = [("Role", "Log-in name", "Password"), *((x.role, x.username, x.password) for x in staff)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        if phones := log_ins.log_in_phones():
            self.stdout.write("")
            self.stdout.write(f"Members log in at /my/ by phone: {', '.join(phones)}")
            self.stdout.write(
                "Their codes arrive on the simulated phone: /console/phone/ (log in there as demo-admin)."
            )
