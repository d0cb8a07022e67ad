"""`fit_predictions`: a new version of the models, judged on the last ninety days."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import clock
from apps.segments.predictions import arguments, fitting
from apps.segments.predictions.sufficiency import NEEDED, NotEnough


class Command(BaseCommand):
    help = "Fits a new version of the predictions and prints how it did on the last ninety days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as-of", type=arguments.moment, metavar="T", help="a moment; a bare date means its end, shop time"
        )
        parser.add_argument("--quiet", action="store_true", help="too little data is no error, and nothing is printed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = fitting.fit(options["as_of"] or clock.now())
        except NotEnough as missing:
            if options["quiet"]:
                return
            counts = missing.found.counts() if missing.found else {}
            said = ", ".join(
                f"{name.replace('_', ' ')} {count:,} of {NEEDED[name]:,}" for name, count in counts.items()
            )
            raise CommandError(f"Not enough data: {said or 'nobody bought on two days'}.") from missing
        if options["quiet"]:
            return
        state = "active" if model.is_active else "not active"
        self.stdout.write(
            f"Version {model.version}, {state}: {model.buyers:,} buyers, {model.orders:,} orders, fitted on {model.sample:,}; "
            f"lapsing by {model.get_lapse_by_display()}."
        )
        for name, judged in model.scores.get("models", {}).items():
            if judged:
                self.stdout.write(f"  {name}: AUC {judged['auc']}, Brier {judged['brier']}, lift {judged['lift']}")
