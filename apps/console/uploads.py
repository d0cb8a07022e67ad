"""Files that staff upload: size and name checked, kept under MEDIA_ROOT/imports for the owner of the process alone."""

import os
import re
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.core import clock, jobs
from apps.core.errors import NotFound
from apps.core.models import Job
from apps.segments.models import Upload

KEPT_FOR = timedelta(days=7)
_UNSAFE = re.compile(r"[^\w.\-() ]+")


class FileForm(forms.Form):
    """A file, and whether to rehearse or to take it in."""

    command = ""  # what takes larger files
    file = forms.FileField(
        label=gettext_lazy("CSV or Excel file"), widget=forms.FileInput(attrs={"accept": ".csv,.gz,.txt,.xlsx"})
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=(
            ("dry", gettext_lazy("Rehearse: count and check, write nothing")),
            ("real", gettext_lazy("Take in")),
        ),
        widget=forms.RadioSelect,
    )

    def clean_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > settings.IMPORT_MAX_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s. Split it, or use bin/manage %(command)s.")
                % {"limit": limit(), "command": self.command}
            )
        return file

    def params(self, path: Path) -> dict[str, object]:
        """What the job is told."""
        return {
            "path": str(path),
            "file_name": harmless(self.cleaned_data["file"]),
            "dry_run": self.cleaned_data["mode"] == "dry",
        }


class ImportForm(FileForm):
    command = "import_orders"
    is_live = forms.BooleanField(
        label=gettext_lazy("These orders are happening now"),
        help_text=gettext_lazy("Care then reacts to them. Leave it off for history."),
        required=False,
    )

    def params(self, path: Path) -> dict[str, object]:
        return super().params(path) | {"is_live": self.cleaned_data["is_live"]}


class MembersForm(FileForm):
    command = "import_members"
    source = forms.RegexField(
        r"^[\w.\-]+$",
        label=gettext_lazy("The system they come from"),
        help_text=gettext_lazy("Opening points, tiers and coupons come once per member from each system."),
        max_length=40,
    )

    def params(self, path: Path) -> dict[str, object]:
        return super().params(path) | {"source": self.cleaned_data["source"]}


class ListForm(FileForm):
    """A file into a list of members."""

    how = forms.ChoiceField(label=gettext_lazy("What the file does"), choices=Upload.How, widget=forms.RadioSelect)

    def params(self, path: Path) -> dict[str, object]:
        return super().params(path) | {"how": self.cleaned_data["how"]}


class NewListForm(ListForm):
    """The file is optional, and adds."""

    how = None  # type: ignore[assignment]

    name = forms.CharField(label=pgettext_lazy("segments", "Name"), max_length=60)
    field_order = ("name", "file", "mode")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["file"].required = False

    def params(self, path: Path) -> dict[str, object]:
        return FileForm.params(self, path) | {"how": Upload.How.ADD.value}


class OpeningsForm(MembersForm):
    def params(self, path: Path) -> dict[str, object]:
        return super().params(path) | {"openings_only": True}


def harmless(file: UploadedFile) -> str:
    """Its name, for people to see."""
    return _UNSAFE.sub("_", Path(file.name or "").name)[-120:]


def limit() -> str:
    return filesizeformat(settings.IMPORT_MAX_BYTES)


def keep(file: UploadedFile) -> Path:
    """Store under a name of our own, mode 0600; files older than a week go."""
    folder = Path(settings.MEDIA_ROOT) / "imports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(folder)
    path = folder / f"{token_hex(16)}.csv"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    return path


def go_live(row: Job, *, user_id: int | None) -> Job | None:
    """Begin to take in the file that `row` rehearsed; None when the file is gone. Raises NotFound for any other job."""
    if not (row.params.get("dry_run") and row.state == Job.State.DONE):
        raise NotFound
    if not Path(str(row.params.get("path", ""))).is_file():
        return None
    return jobs.start(kind=row.kind, params={**row.params, "dry_run": False}, user_id=user_id)


def _sweep(folder: Path) -> None:
    oldest = (clock.now() - KEPT_FOR).timestamp()
    for path in folder.glob("*.csv"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
