"""`bin/manage check_ledgers [--json]`: recompute the books of points and coupons; exit code 1 when a contradiction was found."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.coupons import checking as coupons
from apps.points import checking
from apps.points.faults import FAULTS


class Command(BaseCommand):
    help = "Recompute every points account from its lines, and all counters of coupons, and name each contradiction."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        run, checked = checking.check(), coupons.check()
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
                "coupons": {
                    "coupons": checked.coupons,
                    "uses": checked.uses,
                    "faults": checked.count,
                    "found": [asdict(f) for f in checked.faults],
                },
            }
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write(f"{run.accounts} accounts, {run.entries} lines, {run.faults} faults")
            for f in faults:
                words = FAULTS[f.kind].text if f.kind in FAULTS else ""
                self.stdout.write(
                    f"{f.kind}: account {f.account_id}, row {f.row}: {f.expected} expected, {f.found} found. {words}"
                )
            self.stdout.write(f"{checked.coupons} coupons, {checked.uses} uses, {checked.count} faults")
            for c in checked.faults:
                self.stdout.write(
                    f"{c.kind}: template {c.template_id}, row {c.row}: {c.expected} expected, {c.found} found."
                    f" {coupons.KINDS[c.kind].text}"
                )
        if run.faults or checked.count:
            sys.exit(1)
