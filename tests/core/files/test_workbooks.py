"""Excel workbooks: cells read as a person sees them, files of strangers within bounds."""

# ruff: noqa: DTZ001 - cells hold wall clocks
import io
import subprocess
import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest

from apps.core.files import numbers, workbooks
from apps.core.files.errors import FileRefused, FileTooLarge, WorkbookBroken, WorkbookTooLarge
from tests.workbooks_made import CHINESE, DAY, MOMENT, PARTS, TIME, ZEROS, parts, sheet_of, workbook

LIMIT = 50_000_000


def read(content: bytes, folder: Path, *, limit: int = LIMIT) -> list[list[str]]:
    """The header and all rows."""
    path = folder / "file.csv"  # whatever it is called
    path.write_bytes(content)
    with workbooks.Workbook(path, limit=limit) as book:
        return [book.header(), *(row for batch in book.batches(7) for _number, row in batch.rows)]


def value(cell: object, folder: Path, **options: bool) -> str:
    return read(workbook([["x"], [cell]], **options), folder)[1][0]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("A1001", "A1001"),
        (" 春茶 & <杯>", " 春茶 & <杯>"),
        (1001, "1001"),
        (17000000001, "17000000001"),
        (128.5, "128.5"),
        (0.07, "0.07"),
        (19.99 * 3, "59.97"),
        (0.1 + 0.2, "0.3"),
        (-12.5, "-12.5"),
        (1e14, "100000000000000"),
        (123_456_789_012_345, "123456789012345"),
        (1e-7, "0.0000001"),
        (0, "0"),
        ((42, ZEROS), "000042"),
        ((1280.5, "¥#,##0.00"), "1280.5"),
        ((0.5, "0%"), "0.5"),
        (True, "true"),
        (False, "false"),
        ((date(2026, 11, 22), DAY), "2026-11-22"),
        ((date(2026, 11, 22), CHINESE), "2026-11-22"),
        ((date(2026, 11, 22), "m/d/yy"), "2026-11-22"),
        ((datetime(2026, 11, 22, 10, 32, 5), MOMENT), "2026-11-22 10:32:05"),
        ((datetime(2026, 11, 22, 23, 59, 59), "yyyy/m/d h:mm"), "2026-11-22 23:59:59"),
        ((datetime(2026, 11, 22, 0, 0, 1), "[$-804]yyyy-mm-dd"), "2026-11-22 00:00:01"),
        ((date(1900, 1, 1), DAY), "1900-01-01"),
        ((date(1900, 2, 28), DAY), "1900-02-28"),
        ((date(1900, 3, 1), DAY), "1900-03-01"),
        ((date(9999, 12, 31), DAY), "9999-12-31"),
        ((time(7, 5, 9), TIME), "07:05:09"),
        ((46348, '0" Stück"'), "46348"),
        ((46348, "[Red]0"), "46348"),
    ],
)
@pytest.mark.parametrize("is_inline", [False, True])
def test_a_cell_says_what_a_person_reads_in_it(tmp_path: Path, cell: object, text: str, is_inline: bool):
    assert value(cell, tmp_path, is_inline=is_inline) == text


def test_the_calendar_of_old_macintoshes_gives_the_same_days(tmp_path: Path):
    assert value((datetime(2026, 11, 22, 10, 32, 5), MOMENT), tmp_path, is_1904=True) == "2026-11-22 10:32:05"


@pytest.mark.parametrize("second", [0, 1, 29, 30, 59, 3599, 43_201, 86_399])
def test_every_second_of_a_day_comes_back(tmp_path: Path, second: int):
    moment = datetime(2026, 2, 28, second // 3600, second // 60 % 60, second % 60)
    text = "2026-02-28" if second == 0 else f"{moment:%Y-%m-%d %H:%M:%S}"
    assert value((moment, MOMENT), tmp_path) == text


def test_every_cent_up_to_a_hundred_yuan_is_exact(tmp_path: Path):
    rows = read(workbook([["x"], *([cents / 100] for cents in range(10_001))]), tmp_path)[1:]
    assert [round(float(row[0]) * 100) for row in rows] == list(range(10_001))
    assert max(len(row[0].partition(".")[2]) for row in rows) == 2


@pytest.mark.parametrize(
    ("code", "shape"),
    [
        ("yyyy-mm-dd", "day"), ('m"月"d"日"', "day"), ("[$-F800]dddd, mmmm dd, yyyy", "day"), ("mmm", "day"),
        ("h:mm AM/PM", "time"), ("[h]:mm:ss", "time"), ("mm:ss.0", "time"), ("General", ""), ("0.00", ""), ("@", ""),
        ('"day "0', ""), ("#,##0.00;[Red]-#,##0.00", ""), (r"0\d", ""), ("_-* #,##0_-", ""),
    ],
)  # fmt: skip
def test_formats_of_days_and_times_are_known(code: str, shape: str):
    found = numbers.format_of(170, code)
    assert ("day" if found.is_day else "time" if found.is_time else "") == shape


def test_rows_have_the_numbers_that_excel_shows(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([[], ["a", "b"], [], [None, "x"], ["y"], []]))
    with workbooks.Workbook(path, limit=LIMIT) as book:
        assert book.header() == ["a", "b"]
        assert [batch.rows for batch in book.batches(10)] == [[(4, ["", "x"]), (5, ["y", ""])]]
        assert book.position() == book.size


def test_what_stands_beside_the_header_makes_a_row_too_long(tmp_path: Path):
    assert read(workbook([["a"], ["x", None, "y"]]), tmp_path) == [["a"], ["x", "", "y"]]


def test_the_first_sheet_that_is_shown_is_read_and_the_others_are_named(tmp_path: Path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([["hidden"]], [["shown"]], [["more"]], hidden=0))
    with workbooks.Workbook(path, limit=LIMIT) as book:
        assert (book.header(), book.other_sheets) == (["shown"], ["Sheet3"])


def test_texts_in_pieces_are_one_and_readings_beside_letters_are_not_part_of_them(tmp_path: Path):
    strings = "<sst><si><r><t>林</t></r><r><t>若溪</t></r><rPh sb='0' eb='1'><t>リン</t></rPh></si><si/></sst>"
    rows = '<row><c t="s"><v>0</v></c><c t="inlineStr"><is><r><t>a</t></r><r><t> b</t></r></is></c><c t="s"><v>1</v></c></row>'
    assert read(parts(sheet_of(rows), strings=strings), tmp_path) == [["林若溪", "a b"]]


def test_a_number_that_excel_cut_and_a_formula_that_fails_mark_their_rows(tmp_path: Path):
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="2"><c r="A2"><v>1.2345678901234568E+17</v></c></row><row r="3"><c r="A3" t="e"><v>#N/A</v></c></row>'
        '<row r="4"><c r="A4" t="str"><f>B1</f><v>2026112200000000001</v></c></row>'
    )
    path = tmp_path / "a.xlsx"
    path.write_bytes(parts(sheet_of(rows)))
    with workbooks.Workbook(path, limit=LIMIT) as book:
        book.header()
        [batch] = book.batches(10)
    assert batch.problems == {2: "digits_lost", 3: "formula_error"}
    assert batch.rows[2] == (4, ["2026112200000000001"])


def bomb(rows: str, times: int) -> bytes:
    return parts(sheet_of(rows * times))


def long_directory() -> bytes:
    made = io.BytesIO(workbook([["a"], ["x"]]))
    with zipfile.ZipFile(made, "a") as out:
        for number in range(9_000):
            out.writestr(f"{number:0100d}", "")
    return made.getvalue()


ROW = '<row r="{n}"><c r="A{n}"><v>1</v></c></row>'
DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
BROKEN = {
    "no zip": b"PK\x03\x04" + b"\x14\0\x06\0" * 100,
    "no workbook": b"",  # made below, as the next but one
    "cut off": workbook([["a"], ["x"]])[:-200],
    "a damaged byte": b"",
    "an entity": parts(DOCTYPE + sheet_of('<row><c t="str"><v>&b;</v></c></row>')),
    "too deep": parts(sheet_of("<a>" * 60 + "</a>" * 60)),
    "no end of a word": parts("<worksheet><" + "a" * 9_000_000 + ">"),
    "rows that go back": parts(sheet_of(ROW.format(n=2) + ROW.format(n=1))),
    "a row below the last": parts(sheet_of(ROW.format(n=1_048_577))),
    "a column beside the last": parts(sheet_of('<row><c r="XFE1"><v>1</v></c></row>')),
    "a cell twice": parts(sheet_of('<row><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>')),
    "a text that is not there": parts(sheet_of('<row><c t="s"><v>7</v></c></row>')),
    "a text before the first": parts(sheet_of('<row><c t="s"><v>-1</v></c></row>')),
    "a style that is none": parts(sheet_of('<row><c s="x"><v>1</v></c></row>')),
    "a cell without an end": parts(sheet_of(f'<row><c t="str"><v>{"a" * 200_000}</v></c></row>')),
    "no sheet": parts(sheet_of(""), book="<workbook><sheets/></workbook>"),
    "not XML": parts("hello"),
    "XML that ends too soon": parts("<worksheet><sheetData>"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_workbook_is_refused(tmp_path: Path, name: str):
    content = BROKEN[name]
    if name == "no workbook":
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as out:
            out.writestr("orders.csv", "order_no\n1\n")
        content = made.getvalue()
    if name == "a damaged byte":
        content = bytearray(workbook([["a"], *([f"x{n}"] for n in range(500))]))
        content[content.find(b"sheet1.xml") + 60] ^= 0xFF
    with pytest.raises(WorkbookBroken):
        read(bytes(content), tmp_path)


TOO_LARGE = {
    "a sheet of a thousand times its size": lambda: bomb("<a/>", 15_000_000),
    "texts of a thousand times their size": lambda: parts(
        sheet_of(""), strings="<sst>" + "<si/>" * 11_000_000 + "</sst>"
    ),
    "a long list of styles": lambda: parts(sheet_of(""), styles="<a/>" * 5_000_000),
    "a directory of more than a megabyte": long_directory,
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_workbook_that_unpacks_to_far_more_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    content = TOO_LARGE[name]()
    if name == "a long list of styles":
        monkeypatch.setitem(PARTS, "xl/_rels/workbook.xml.rels", PARTS["xl/_rels/workbook.xml.rels"].replace(
            "</Relationships>", '<Relationship Id="s" Type="x/styles" Target="styles.xml"/></Relationships>'))  # fmt: skip
        content = TOO_LARGE[name]()
    with pytest.raises(WorkbookTooLarge):
        read(content, tmp_path, limit=1_200_000_000)


def test_one_text_named_a_million_times_is_counted_as_often(tmp_path: Path):
    row = "<row>" + '<c t="s"><v>0</v></c>' * 100 + "</row>"
    content = parts(sheet_of(row * 20), strings=f"<sst><si><t>{'a' * 30_000}</t></si></sst>")
    with pytest.raises(FileTooLarge):
        read(content, tmp_path)
    wide = "<row>" + '<c t="s"><v>0</v></c>' * 1_000 + "</row>"
    with pytest.raises(WorkbookBroken):
        read(parts(sheet_of(wide), strings=f"<sst><si><t>{'a' * 30_000}</t></si></sst>"), tmp_path)


MEASURED = """
import resource, sys
from pathlib import Path
from apps.core.files import workbooks
from apps.core.errors import DomainError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    with workbooks.Workbook(Path(sys.argv[1]), limit=1_200_000_000) as book:
        book.header()
        rows = sum(len(batch.rows) for batch in book.batches(10_000))
except DomainError:
    rows = -1
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(content: bytes, folder: Path) -> tuple[int, int]:
    """Rows (-1: refused) and how many MB the reading process grew by."""
    path = folder / "m.xlsx"
    path.write_bytes(content)
    code = f"import django; django.setup()\n{MEASURED}"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    rows, grown = done.stdout.split()
    return int(rows), int(grown)


NIGHTLY = [pytest.param(name, marks=pytest.mark.nightly) for name in ("grid", "junk")]


@pytest.mark.parametrize("name", [*NIGHTLY, "rows"])
def test_memory_stays_flat_whatever_the_sheet_claims(tmp_path: Path, name: str):
    grid = parts(sheet_of(ROW.format(n=1) + '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'))
    content = {
        "grid": lambda: grid,
        "junk": lambda: bomb("<a/>", 2_000_000),  # 8 MB: below where the ratio is looked at
        "rows": lambda: parts(sheet_of("".join(ROW.format(n=n) for n in range(1, 60_001)))),
    }[name]()
    rows, grown = measured(content, tmp_path)
    assert rows == {"grid": 1, "junk": 0, "rows": 59_999}[name]
    assert grown < 60


def test_any_damage_is_refused_or_read_and_never_an_accident(tmp_path: Path):
    whole = workbook([["a", "b"], *([f"x{n}", n / 7] for n in range(50))])
    for place in range(0, len(whole), 37):
        torn = bytearray(whole)
        torn[place] ^= 0x55
        try:
            read(bytes(torn), tmp_path)
        except FileRefused:
            continue
