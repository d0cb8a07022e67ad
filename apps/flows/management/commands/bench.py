"""`bench [NAME ...] --size S|M|L`: JSON lines on standard output, what is going on on standard error."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.flows import benches
from apps.flows.management.names import one_of
from apps.segments.predictions import bench as predictions

# Here and not with the others: scipy and scikit-learn stand behind it, and `benches` is imported by every process.
benches.BENCHES["predictions"] = benches.Bench(predictions.bench_predictions, needs_orders=True)


class Command(BaseCommand):
    help = "Measures the hot paths beside their baselines on scratch databases (M: 1 M members, 10 M orders)."

    def add_arguments(self, parser: CommandParser) -> None:
        known = sorted(benches.BENCHES)
        parser.add_argument(
            "names", nargs="*", type=one_of(known), help=f"{', '.join(known)}; all of them when left out"
        )
        parser.add_argument("--size", choices=sorted(benches.MEMBERS), default="S")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in options["names"] or list(benches.BENCHES):
            for line in benches.run(name, size=options["size"], say=self.stderr.write):
                self.stdout.write(json.dumps(line, ensure_ascii=False))
                self.stdout.flush()
