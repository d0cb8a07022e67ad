"""From bytes to rows: gzip, encodings, quotes and line numbers, in bounded memory."""

import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

from apps.core.files.errors import (
    EncodingUnknown,
    EncodingUtf16,
    FileEmpty,
    FileIsExcel,
    FileMissing,
    FileTooLarge,
    GzipBroken,
    QuoteNotClosed,
)

CHUNK = 1 << 20
LONGEST_CELL = 2_000_000  # characters; a longer one is a quotation mark that nobody closed
LONGEST_LINE = 4_000_000
GZIP = b"\x1f\x8b"
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # an .xlsx within gzip; old .xls, and any with a password
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_wide = re.compile("[\u2e80-\uffff]")


class Source(io.RawIOBase):
    """The file's own bytes, unpacked where they are gzip (known by content, not by name). Counts what it read."""

    def __init__(self, path: Path, *, limit: int) -> None:
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError:
            raise FileMissing(path=path.name) from None
        self._limit = limit
        self._given = 0
        self._rest = b""
        self._is_gzip = self._file.read(2) == GZIP
        self._file.seek(0)
        self._unpacker = _unpacker()

    def head(self) -> bytes:
        """The first bytes, which stay to be read."""
        while len(self._rest) < 4096 and (more := self._more()):
            self._rest += more
        return self._rest[:4096]

    def position(self) -> int:
        """How far in the stored file, in bytes."""
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._rest or self._more()
        taken = piece[: len(buffer)]
        self._rest = piece[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _more(self) -> bytes:
        piece = self._unpacked() if self._is_gzip else self._file.read(CHUNK)
        self._given += len(piece)
        if self._given > self._limit:
            raise FileTooLarge(limit_mb=self._limit // 1_000_000)
        return piece

    def _unpacked(self) -> bytes:
        """The next piece of plain bytes, at most CHUNK (a small file may hold a huge one); b"" at the true end."""
        while True:
            packed = self._unpacker.unconsumed_tail or self._unpacker.unused_data or self._file.read(CHUNK // 8)
            if self._unpacker.eof:
                if not packed.strip(b"\0"):
                    return b""
                self._unpacker = _unpacker()
            elif not packed:
                raise GzipBroken
            try:
                piece = self._unpacker.decompress(packed, CHUNK)
            except zlib.error:
                raise GzipBroken from None
            if piece:
                return piece


def digest(path: Path) -> str:
    """SHA-256 of the stored file. Raises FileMissing."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                whole.update(piece)
    except OSError:
        raise FileMissing(path=path.name) from None
    return whole.hexdigest()


def _unpacker() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=31)


def encoding_of(source: Source) -> str:
    """`utf-8-sig` to begin with; refuses what is not text at all."""
    head = source.head()
    if not head.strip():
        raise FileEmpty
    if head.startswith(WORKBOOKS):
        raise FileIsExcel
    if head.startswith(UTF16_MARKS) or head[:400].count(0) * 3 > len(head[:400]):
        raise EncodingUtf16
    return "utf-8-sig"


class WrongEncoding(Exception):
    """The bytes are not UTF-8, and nothing before showed that they were meant to be."""


@dataclass(frozen=True)
class Plain:
    """Lines without a quotation mark, so that each is one row: they need no parser. `first` is the number of the first."""

    first: int
    lines: list[str]


@dataclass(frozen=True)
class Parsed:
    """Rows with the number of the line on which each begins; by that number, the code of what is wrong with a row."""

    rows: list[tuple[int, list[str]]]
    problems: dict[int, str] = field(default_factory=dict)


class Rows:
    """The rows of the file (the header is on line 1). Raises WrongEncoding, EncodingUnknown, QuoteNotClosed while reading."""

    def __init__(self, source: Source, *, encoding: str) -> None:
        self._encoding = encoding
        text = io.TextIOWrapper(io.BufferedReader(source, CHUNK), encoding=encoding, newline="")
        csv.field_size_limit(LONGEST_CELL)
        self._text = text  # keeps the file open
        self._lines = iter(partial(text.readline, LONGEST_LINE), "")
        self._done = 0  # lines
        self._saw_wide = False

    def header(self) -> list[str]:
        """The first row that is not blank; empty at the end of the file."""
        while lines := self._take(1):
            rows = self._parse(lines)
            if rows:
                return rows[0][1]
        return []

    def batches(self, size: int) -> Iterator[Plain | Parsed]:
        """What follows the header, in batches of about `size` lines."""
        while lines := self._take(size):
            text = "".join(lines)
            if "\r" in text:
                lines = [f"{line[:-2]}\n" if line.endswith("\r\n") else line for line in lines]
                text = "".join(lines)
            self._saw_wide = self._saw_wide or (not text.isascii() and _wide.search(text) is not None)
            if '"' in text or "\r" in text or "\0" in text:
                yield Parsed(self._parse(lines))
            else:
                yield Plain(self._done + 1, lines)
                self._done += len(lines)

    def _take(self, count: int) -> list[str]:
        try:
            return list(islice(self._lines, count))
        except UnicodeDecodeError as wrong:
            # Chinese letters that decoded as UTF-8 prove it: a bad byte after them is damage, not another encoding.
            before = wrong.object[: wrong.start].decode(errors="ignore")
            if self._encoding == "utf-8-sig" and not (self._saw_wide or _wide.search(before)):
                raise WrongEncoding from None
            raise EncodingUnknown(line=self._done + 1) from None

    def _parse(self, lines: list[str]) -> list[tuple[int, list[str]]]:
        """Rows of these lines, and of those after them into which the last row runs on. Blank lines are left out."""
        rows: list[tuple[int, list[str]]] = []
        reader = csv.reader(chain(lines, self._one_by_one()))
        last = 0
        try:
            for row in reader:
                if row:
                    rows.append((self._done + last + 1, row))
                last = reader.line_num
                if last >= len(lines):
                    break
        except csv.Error:
            raise QuoteNotClosed(line=self._done + last + 1) from None
        self._done += last
        return rows

    def _one_by_one(self) -> Iterator[str]:
        while line := self._take(1):
            yield line[0]
