"""What the commands that take in a file have in common; each says its own options and its own line of figures."""

import argparse
import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from apps.core import requests
from apps.core.files import rejects
from apps.core.files.errors import FileRefused
from apps.core.files.progress import Voice


class ImportCommand(BaseCommand, ABC):
    """Subclasses give `take_in`, `figures` and, where they have more options, `add_arguments`."""

    source_help = ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="count and check everything, write nothing")
        parser.add_argument("--source", default="import", help=self.source_help)
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    @abstractmethod
    def take_in(self, *, options: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        """Call the app's `run` with `wanted` and what the own options say."""

    @abstractmethod
    def figures(self, counts: dict[str, str]) -> str:
        """One line for people; `counts` by name, written with separators."""

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with requests.acting(actor="cli"):
                result = self.take_in(
                    options=options, path=path, source=options["source"][:40], dry_run=options["dry_run"],
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
        counts = {name: f"{value:,}" for name, value in result.items() if isinstance(value, int | float)}
        self.stdout.write(f"{title}: {self.figures(counts)}")
        for notice in result["notices"]:
            what = ", ".join(notice["columns"]) if "columns" in notice else f"{notice['count']:,}"
            self.stdout.write(f"  {notice['text']} {what}")
        if result["rejected_file"]:
            self.stdout.write("  " + _("Rejected rows: %(file)s") % {"file": result["rejected_file"]})
