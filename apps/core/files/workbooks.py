"""Excel workbooks (.xlsx) row by row: nothing but the distinct texts of the book is held in memory, and those within bounds.

Our own reader over the standard library's zip and expat: strangers' workbooks are zip bombs, sheets that claim sixteen billion cells
and XML without an end, and the readers there are build a tree or the whole grid first (docs/dependencies.md).
"""

import io
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.parsers import expat

from apps.core.files import numbers
from apps.core.files.errors import FileMissing, FileTooLarge, WorkbookBroken, WorkbookTooLarge
from apps.core.files.numbers import Format
from apps.core.files.reading import LONGEST_LINE, Parsed

SIGNATURE = b"PK\x03\x04"
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
LONGEST_TEXT = 32_767  # characters Excel keeps in a cell; written out in entities a few times as many
MOST_TEXTS, MOST_TEXT_BYTES = 5_000_000, 128_000_000  # distinct ones of a book
MOST_RATIO, SMALL = 100, 50_000_000  # unpacked to packed; parts below so many bytes may be anything
LARGEST_LIST = 16_000_000  # bytes of styles, relations, list of sheets
LARGEST_DIRECTORY = 1_000_000
CHUNK = 1 << 16
LONGEST_TOKEN = 4 << 20
DEEPEST = 40
BATCH_TEXT = 4_000_000  # characters; a batch of rows is handed on when it holds more
_ROOT = "_rels/.rels"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")

Attributes = Mapping[str, str]


def is_workbook(path: Path) -> bool:
    """By its first bytes, whatever it is called. Raises FileMissing."""
    try:
        with path.open("rb") as file:
            return file.read(4) == SIGNATURE
    except OSError:
        raise FileMissing(path=path.name) from None


class Workbook:
    """The first sheet that is shown. Raises WorkbookBroken, WorkbookTooLarge, FileTooLarge while opening and reading.

    A row's number is Excel's own; the numbers of `header` and `batches` are therefore what a person sees beside the rows.
    """

    def __init__(self, path: Path, *, limit: int) -> None:
        self.size = path.stat().st_size
        self.other_sheets: list[str] = []
        self._limit = limit
        self._file = _Guarded(path, "rb")
        self._read = self._whole = 0
        with _only_workbook_errors():
            try:
                self._open()
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def position(self) -> int:
        """How far in the stored file, about, in bytes."""
        return self.size * self._read // max(self._whole, 1)

    def header(self) -> list[str]:
        """The first row that is not blank; empty when there is none."""
        for _number, row, _problem in self._rows:
            if any(row):
                return row
        return []

    def batches(self, size: int) -> Iterator[Parsed]:
        """What follows the header. Rows are as wide as the header; what stands to its right makes a row too long."""
        batch, held = Parsed([]), 0
        for number, row, problem in self._rows:
            batch.rows.append((number, row))
            if problem:
                batch.problems[number] = problem
            held += sum(map(len, row))
            if len(batch.rows) >= size or held > BATCH_TEXT:
                yield batch
                batch, held = Parsed([]), 0
        if batch.rows:
            yield batch

    def _open(self) -> None:
        self._zip = zipfile.ZipFile(self._file)
        self._names = {name.lower(): name for name in self._zip.namelist()}
        home = self._relations("")
        book = next((target for kind, target in home.values() if kind == "officeDocument"), "xl/workbook.xml")
        related = self._relations(book)
        found = _Book()
        self._parse(book, start=found.start)
        shown = [sheet for sheet in found.sheets if related.get(sheet[1], ("", ""))[0] == "worksheet"]
        if not shown:
            raise WorkbookBroken
        chosen = next((sheet for sheet in shown if not sheet[2]), shown[0])
        self.other_sheets = [sheet[0] for sheet in shown if sheet is not chosen and not sheet[2]]
        parts = {kind: target for kind, target in related.values() if kind in {"styles", "sharedStrings"}}
        styles, texts = _Styles(), _Texts()
        if "styles" in parts:
            self._parse(parts["styles"], start=styles.start, end=styles.end)
        if "sharedStrings" in parts:
            self._parse(parts["sharedStrings"], start=texts.start, end=texts.end, text=texts.text, largest=self._limit)
        sheet = _Sheet(texts=texts, formats=styles.formats(), is_1904=found.is_1904)
        self._rows = self._walk(related[chosen[1]][1], sheet)

    def _walk(self, name: str, sheet: "_Sheet") -> Iterator[tuple[int, list[str], str]]:
        """Number, cells, problem; every row is at least as wide as the first one with a text in it."""
        width = given = 0
        with _only_workbook_errors():
            for _ in self._pieces(name, largest=self._limit * 4, start=sheet.start, end=sheet.end, text=sheet.text):
                for number, cells, problem in sheet.taken():
                    row = _in_line(cells, width)
                    width = width or len(row)
                    given += sum(map(len, row)) + len(row)
                    if given > self._limit:
                        raise FileTooLarge(limit_mb=self._limit // 1_000_000)
                    yield number, row, problem

    def _relations(self, of: str) -> dict[str, tuple[str, str]]:
        """Id → (what it is, the name of its part)."""
        folder, name = posixpath.split(of)
        path = posixpath.join(folder, "_rels", f"{name}.rels") if of else _ROOT
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], target)

        self._parse(path, start=start)
        return found

    def _parse(
        self,
        name: str,
        *,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] = lambda tag: None,
        text: Callable[[str], None] = lambda data: None,
        largest: int = LARGEST_LIST,
    ) -> None:
        for _ in self._pieces(name, largest=largest, start=start, end=end, text=text):
            pass

    def _pieces(
        self,
        name: str,
        *,
        largest: int,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> Iterator[None]:
        """Parse one part; yields after every piece of it."""
        part = self._zip.getinfo(self._names[name.lower()])
        if part.file_size > largest or (part.file_size > SMALL and part.file_size > MOST_RATIO * part.compress_size):
            raise WorkbookTooLarge
        parser = _parser(start=start, end=end, text=text)
        self._read, self._whole = 0, part.file_size
        with self._zip.open(part) as stream:
            while piece := stream.read(CHUNK):
                self._read += len(piece)
                parser.Parse(piece, False)
                if self._read - parser.CurrentByteIndex > LONGEST_TOKEN:
                    raise WorkbookBroken
                yield
            parser.Parse(b"", True)
            yield


class _Guarded(io.FileIO):
    """The file's bytes. Nobody gets many at once: the directory of a zip is read in one piece, however large it says it is."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = LARGEST_DIRECTORY if size is None or size < 0 else size
        if wanted > LARGEST_DIRECTORY:
            raise WorkbookTooLarge
        return super().read(wanted) or b""


@contextmanager
def _only_workbook_errors() -> Iterator[None]:
    """What the libraries say of a damaged, locked or invented file."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, KeyError, IndexError, ValueError):
        raise WorkbookBroken from None
    except (NotImplementedError, RuntimeError):  # a compression of another world; a password
        raise WorkbookBroken from None


def _parser(
    *, start: Callable[[str, Attributes], None], end: Callable[[str], None], text: Callable[[str], None]
) -> expat.XMLParserType:
    """Hears local names. A document type (entities that grow) and depths that no workbook has are refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def opened(tag: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise WorkbookBroken
        start(tag.rpartition(":")[2] if ":" in tag else tag, attributes)

    def closed(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(tag.rpartition(":")[2] if ":" in tag else tag)

    def refuse(*_: object) -> None:
        raise WorkbookBroken

    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    return parser


class _Book:
    """The list of sheets: name, id of the relation, whether it is hidden."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.is_1904 = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "workbookPr":
            self.is_1904 = attributes.get("date1904", "0") in {"1", "true"}
        elif tag == "sheet":
            relation = next((value for name, value in attributes.items() if name.rpartition(":")[2] == "id"), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", "")[:60], relation, is_hidden))


class _Styles:
    """Which number format each style of a cell has."""

    def __init__(self) -> None:
        self._codes: dict[int, str] = {}
        self._used: list[int] = []
        self._is_inside = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "numFmt":
            self._codes[int(attributes.get("numFmtId", 0))] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            self._is_inside = True
        elif tag == "xf" and self._is_inside:
            self._used.append(int(attributes.get("numFmtId", 0)))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._is_inside = False

    def formats(self) -> list[Format]:
        return [numbers.format_of(number, self._codes.get(number, "")) for number in self._used]


class _Texts:
    """The book's distinct texts, one behind the other in UTF-8. Readings beside Chinese letters (rPh) are not part of a text."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("Q")
        self._is_inside = False
        self._asides = 0

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError
        begin = self._ends[number - 1] if number else 0
        return self._bytes[begin : self._ends[number]].decode()

    def start(self, tag: str, _attributes: Attributes) -> None:
        if tag == "t":
            self._is_inside = not self._asides
        elif tag == "rPh":
            self._asides += 1

    def text(self, data: str) -> None:
        if self._is_inside:
            self._bytes += data.encode()
            if len(self._bytes) > MOST_TEXT_BYTES:
                raise WorkbookTooLarge

    def end(self, tag: str) -> None:
        if tag == "t":
            self._is_inside = False
        elif tag == "rPh":
            self._asides -= 1
        elif tag == "si":
            self._ends.append(len(self._bytes))
            if len(self._ends) > MOST_TEXTS:
                raise WorkbookTooLarge


class _Sheet:
    """Rows as they come by: number, cells by column, and what is wrong with one of them."""

    def __init__(self, *, texts: _Texts, formats: list[Format], is_1904: bool) -> None:
        self._texts, self._formats, self._is_1904 = texts, formats, is_1904
        self._ready: list[tuple[int, dict[int, str], str]] = []
        self._number = self._column = self._length = self._asides = 0
        self._cells: dict[int, str] = {}
        self._problem = self._kind = self._style = ""
        self._parts: list[str] = []
        self._is_inside = False

    def taken(self) -> list[tuple[int, dict[int, str], str]]:
        ready, self._ready = self._ready, []
        return ready

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "c":
            self._column = _column(attributes.get("r", ""), after=self._column)
            self._kind, self._style, self._parts = attributes.get("t", "n"), attributes.get("s", "0"), []
        elif tag in {"v", "t"}:
            self._is_inside, self._length = not self._asides, 0
        elif tag == "rPh":
            self._asides += 1
        elif tag == "row":
            number = int(attributes.get("r", self._number + 1))
            if not self._number < number <= LAST_ROW:
                raise WorkbookBroken
            self._number, self._column, self._cells, self._problem = number, -1, {}, ""

    def text(self, data: str) -> None:
        if self._is_inside:
            self._length += len(data)
            if self._length > LONGEST_TEXT * 4:
                raise WorkbookBroken
            self._parts.append(data)

    def end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            self._is_inside = False
        elif tag == "c" and self._parts:
            self._cells[self._column] = self._text("".join(self._parts))
        elif tag == "rPh":
            self._asides -= 1
        elif tag == "row" and self._cells:
            self._ready.append((self._number, self._cells, self._problem))

    def _text(self, raw: str) -> str:
        if self._kind == "s":
            return self._texts[int(raw)]
        if self._kind == "n":
            style = int(self._style)
            shape = self._formats[style] if style < len(self._formats) else Format()
            text, problem = numbers.text_of(raw, shape, is_1904=self._is_1904)
            self._problem = self._problem or problem
            return text
        if self._kind == "b":
            return "true" if raw == "1" else "false"
        if self._kind == "e":
            self._problem = self._problem or "formula_error"
        return raw


def _column(place: str, *, after: int) -> int:
    """From 0. A cell without a place of its own stands beside the one before."""
    column = after + 1
    if place:
        found = _PLACE.fullmatch(place)
        if found is None:
            raise WorkbookBroken
        column = 0
        for letter in found[1]:
            column = column * 26 + ord(letter) - 64
        column -= 1
    if not after < column < LAST_COLUMN:
        raise WorkbookBroken
    return column


def _in_line(cells: Mapping[int, str], width: int) -> list[str]:
    """From the first column to the last one with a text, and at least `width`."""
    told = {column: text for column, text in cells.items() if text}
    if sum(map(len, told.values())) > LONGEST_LINE:
        raise WorkbookBroken
    row = [""] * max(width, max(told, default=-1) + 1)
    for column, text in told.items():
        row[column] = text
    return row
