"""Workbooks for tests: honest ones by another program's hand (XlsxWriter), dishonest ones part by part."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import xlsxwriter

DAY, MOMENT, TIME, ZEROS, CHINESE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "000000", 'yyyy"年"m"月"d"日"'
PARTS = {
    "[Content_Types].xml": "<Types/>",
    "_rels/.rels": '<Relationships><Relationship Id="r" Type="http://x/officeDocument" Target="/xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<x:workbook xmlns:x="http://a" xmlns:r="http://b"><x:sheets><x:sheet name="一" r:id="rId1"/></x:sheets>'
    "</x:workbook>",
    "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="rId2" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/sharedStrings.xml": "<sst/>",
}


def workbook(
    *sheets: Sequence[Sequence[Any]], is_inline: bool = False, is_1904: bool = False, hidden: int = -1
) -> bytes:
    """Rows of values; (value, format) for a formatted one, "=..." for a formula without a value of its own."""
    made = io.BytesIO()
    options = {"constant_memory": is_inline, "date_1904": is_1904, "in_memory": True}
    with xlsxwriter.Workbook(made, options) as book:
        book.set_calc_mode("manual")
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet()
            if number == hidden:
                sheet.hide()
            else:
                sheet.activate()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    value, code = cell if isinstance(cell, tuple) else (cell, "")
                    if isinstance(value, datetime | date | time):
                        sheet.write_datetime(row, column, value, book.add_format({"num_format": code or MOMENT}))
                    elif isinstance(value, str) and not value.startswith("="):
                        sheet.write_string(row, column, value)
                    elif value is not None:
                        sheet.write(row, column, value, book.add_format({"num_format": code}) if code else None)
    return made.getvalue()


def parts(sheet: str, **others: str) -> bytes:
    """A workbook with just this sheet, XML as it is; `strings=` the shared ones, `book=` the list of sheets."""
    named = {"strings": "xl/sharedStrings.xml", "book": "xl/workbook.xml", "styles": "xl/styles.xml"}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        content = PARTS | {"xl/worksheets/sheet1.xml": sheet} | {named[name]: text for name, text in others.items()}
        for name, text in content.items():
            out.writestr(name, text)
    return made.getvalue()


def sheet_of(rows: str) -> str:
    return f"<worksheet><sheetData>{rows}</sheetData></worksheet>"
