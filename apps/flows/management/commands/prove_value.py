"""`prove_value [RACE ...] [--seconds N] [--writers N] [--json]`: races on a scratch database; exits with 1 where one is not zero."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.flows import proofs
from apps.flows.management.names import one_of


class Command(BaseCommand):
    help = "Races on the books of points and coupons at full scale, on a scratch database; prints what must be zero."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "races", nargs="*", type=one_of(proofs.NAMES), help=f"{', '.join(proofs.NAMES)}; all of them when left out"
        )
        parser.add_argument("--seconds", type=int, default=60, help="how long each crowd writes")
        parser.add_argument("--writers", type=int, default=64)
        parser.add_argument("--json", action="store_true", help="JSON lines instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        asked = {"seconds": options["seconds"], "writers": options["writers"], "only": options["races"]}
        for line in proofs.run(**asked, say=self.stderr.write):
            zeros = line["zeros"]
            wrong += sum(zeros.values())
            if options["json"]:
                self.stdout.write(json.dumps(line))
            else:
                done = ", ".join(f"{key} {value}" for key, value in line.items() if key not in ("race", "zeros"))
                must = ", ".join(f"{key} {value}" for key, value in zeros.items())
                self.stdout.write(f"{line['race']}: {must}\n    ({done})")
            self.stdout.flush()
        if wrong:
            sys.exit(1)
