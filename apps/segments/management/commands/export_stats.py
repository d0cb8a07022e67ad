"""`export_stats FILE.csv`: every member's stats, scores and stage."""

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.segments import export


class Command(BaseCommand):
    help = f"Writes a CSV file with {', '.join(export.HEADER)}; `-` writes to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"] == "-":
            try:
                export.write_stats(sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except BrokenPipeError:  # the reader has seen enough, as `head` does
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        target = Path(options["file"])
        draft = target.with_name(f"{target.name}.part")  # a reader never finds half a file
        try:
            with draft.open("wb") as to:
                rows = export.write_stats(to)
            draft.replace(target)
        except OSError as wrong:
            raise CommandError(f"{target} cannot be written: {wrong.strerror}") from None
        self.stderr.write(f"{rows:,} members written to {target}")
