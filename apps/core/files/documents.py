"""Documents that staff send to members: PDF, judged by its content and kept as it is.

Nothing is drawn anew, as a page must stay what it is on paper. So what a reader could be made to do (scripts, forms, programs, files
within the file) is refused and not removed, and so is what cannot be looked into (a password, other packing, `MOST_UNPACKED`).
"""

import re
import zlib

from apps.core.files.errors import DocumentRefused

MEDIA_TYPE = "application/pdf"
MOST_UNPACKED = 40 * 1024 * 1024
_HEAD, _TAIL = re.compile(rb"%PDF-[12]\.[0-9]\s"), re.compile(rb"%%EOF\s*\Z")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")  # in a name any letter may be written so
# As names, whole: `/JavaScript` but not `/JavaScriptless`.
_ACTS = re.compile(
    rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia|XFA|SubmitForm|ImportData|GoToE|GoToR|Rendition|Encrypt)(?![^\s()<>\[\]{}/%])"
)
_STREAM = re.compile(rb"stream\r?\n")
_PACKED = re.compile(rb"/ObjStm(?![^\s()<>\[\]{}/%])")
_FLATE = re.compile(rb"/Filter\s*\[?\s*/FlateDecode\s*\]?")
_DICTIONARY = 65_536  # bytes before a stream in which what it is stands


def is_pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-")


def check(content: bytes) -> None:
    """Raises DocumentRefused."""
    if not _HEAD.match(content) or not _TAIL.search(content[-1_024:]) or _acts(content):
        raise DocumentRefused
    left = MOST_UNPACKED
    for found in _STREAM.finditer(content):
        left -= _look_into(content, found, left)


def _acts(content: bytes) -> bool:
    return bool(_ACTS.search(_plain(content)))


def _plain(content: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)


def _look_into(content: bytes, stream: re.Match[bytes], left: int) -> int:
    """How much a stream of objects held; 0 for any other stream."""
    begins = max(content.rfind(b"endobj", 0, stream.start()), stream.start() - _DICTIONARY, 0)
    told = _plain(content[begins : stream.start()])
    if not _PACKED.search(told):
        return 0
    if b"/DecodeParms" in told or told.count(b"/Filter") != 1 or not _FLATE.search(told):
        raise DocumentRefused
    unpacking = zlib.decompressobj()
    try:
        held = unpacking.decompress(content[stream.end() :], left)
    except zlib.error:
        raise DocumentRefused from None
    if not unpacking.eof or _acts(held):
        raise DocumentRefused
    return len(held)
