"""`bin/manage import_members FILE.csv`: see docs/import.md."""

from typing import Any

from django.utils.translation import gettext as _

from apps.core.files.command import ImportCommand
from apps.members.imports.run import run


class Command(ImportCommand):
    help = "Import members from a CSV file (UTF-8 or GB18030, also gzip) or .xlsx. The same file again changes nothing."
    source_help = "the system they come from (default: import)"

    def take_in(self, *, options: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        return run(**wanted)

    def figures(self, counts: dict[str, str]) -> str:
        text = _(
            "%(rows)s rows, %(members_added)s members new, %(members_known)s known, %(members_changed)s changed,"
            " %(rejected)s rows rejected, %(seconds)s s"
        )
        return text % counts
