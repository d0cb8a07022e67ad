"""`bin/manage import_orders FILE.csv`: see docs/import.md."""

import argparse
from typing import Any

from django.utils.translation import gettext as _

from apps.core.files.command import ImportCommand
from apps.orders.imports.run import run


class Command(ImportCommand):
    help = "Import orders from a CSV file (UTF-8 or GB18030, also gzip) or .xlsx. The same file again changes nothing."
    source_help = "who numbers these orders (default: import)"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--live", action="store_true", help="orders of now: store facts, so that care may follow")

    def take_in(self, *, options: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        return run(is_live=options["live"], **wanted)

    def figures(self, counts: dict[str, str]) -> str:
        text = _(
            "%(rows)s rows, %(orders_added)s orders new, %(orders_known)s known, %(lines_added)s lines,"
            " %(members_added)s members new, %(refunds_added)s refunds, %(rejected)s rows rejected, %(seconds)s s"
        )
        return text % counts
