"""CSV for spreadsheets: UTF-8 with BOM, and no cell that a spreadsheet would run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

_FORMULA = re.compile(r"^[=@\t\r]|^[+\-−](?![\d.,]+%?$)")


def cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def text_of(content: bytes) -> str:
    """A spreadsheet's file as people save it: UTF-8, else GB18030."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def response(*, name: str, headers: Sequence[object], rows: Iterable[Sequence[object]]) -> HttpResponse:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow([cell(head) for head in headers])
    writer.writerows([cell(value) for value in row] for row in rows)
    answer = HttpResponse("\ufeff" + sheet.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
