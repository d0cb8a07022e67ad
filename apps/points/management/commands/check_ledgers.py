"""`bin/manage check_ledgers [--json]`: recompute all points books; exit code 1 when a contradiction was found."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.points import checking
from apps.points.faults import FAULTS


class Command(BaseCommand):
    help = "Recompute every points account from its lines and name each contradiction."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        run = checking.check()
        faults = checking.found(run)
        if options["json"]:
            rows = [
                {"kind": f.kind, "account": f.account_id, "row": f.row, "expected": f.expected, "found": f.found}
                for f in faults
            ]
            answer = {
                "check": run.pk,
                "accounts": run.accounts,
                "entries": run.entries,
                "faults": run.faults,
                "found": rows,
            }
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write(f"{run.accounts} accounts, {run.entries} lines, {run.faults} faults")
            for f in faults:
                words = FAULTS[f.kind].text if f.kind in FAULTS else ""
                self.stdout.write(
                    f"{f.kind}: account {f.account_id}, row {f.row}: {f.expected} expected, {f.found} found. {words}"
                )
        if run.faults:
            sys.exit(1)
