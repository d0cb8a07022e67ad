"""`bin/manage import_members FILE.csv`: see docs/import.md."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from apps.core import requests
from apps.core.files import rejects
from apps.core.files.errors import FileRefused
from apps.core.files.progress import Voice
from apps.members.imports.run import run


class Command(BaseCommand):
    help = "Import members from a CSV file (UTF-8 or GB18030, also gzip). The same file again changes nothing."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="count and check everything, write nothing")
        parser.add_argument("--source", default="import", help="the system they come from (default: import)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with requests.acting(actor="cli"):
                result = run(
                    path=path, source=options["source"][:40], dry_run=options["dry_run"],
                    rejected_to=lambda: rejects.beside(path), progress=Voice(self.stderr),
                )  # fmt: skip
        except FileRefused as refusal:
            if options["json"]:
                self.stdout.write(json.dumps({"code": refusal.code, "title": str(refusal)}, ensure_ascii=False))
            else:
                self.stderr.write(f"{refusal} [{refusal.code}]")
            sys.exit(1)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            self._tell(result)

    def _tell(self, result: dict[str, Any]) -> None:
        title = _("Checked (nothing was written)") if result["dry_run"] else _("Imported")
        figures = _(
            "%(rows)s rows, %(members_added)s members new, %(members_known)s known, %(members_changed)s changed,"
            " %(rejected)s rows rejected, %(seconds)s s"
        ) % {name: f"{value:,}" for name, value in result.items() if isinstance(value, int | float)}
        self.stdout.write(f"{title}: {figures}")
        for notice in result["notices"]:
            what = ", ".join(notice["columns"]) if "columns" in notice else f"{notice['count']:,}"
            self.stdout.write(f"  {notice['text']} {what}")
        if result["rejected_file"]:
            self.stdout.write("  " + _("Rejected rows: %(file)s") % {"file": result["rejected_file"]})
