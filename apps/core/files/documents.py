"""Documents that staff send to members: PDF, judged by its content and kept as it is.

Nothing is drawn anew, as a page must stay what it is on paper. So what a reader could be made to do (scripts, forms, programs, files
within the file) is refused and not removed. All objects must stand in plain sight: packed ones and locked files are refused, too, which
a file that was printed as PDF never has.
"""

import re

from apps.core.files.errors import DocumentRefused

MEDIA_TYPE = "application/pdf"
_HEAD, _TAIL = re.compile(rb"%PDF-[12]\.[0-9]\s"), re.compile(rb"%%EOF\s*\Z")
_ACTS = (
    "JavaScript", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia", "XFA", "SubmitForm", "ImportData", "GoToE", "GoToR",
    "Rendition",
)  # fmt: skip
_HIDES = ("ObjStm", "XRef", "XRefStm", "Encrypt")  # objects in a stream, and lists of them that are streams
_LISTS = re.compile(rb"(?:startxref|/Prev)\s+(\d{1,12})(?!\d)(?!\s+\d+\s+R)")


def _named(word: str) -> bytes:
    """A name, whole; any letter of it may be written as `#` and its number."""
    return b"".join(rb"(?:%s|(?i:#%02x))" % (letter.encode(), ord(letter)) for letter in word)


_REFUSED = re.compile(rb"/(?:%s)(?![^\s()<>\[\]{}/%%])" % b"|".join(map(_named, (*_ACTS, *_HIDES))))


def is_pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-")


def check(content: bytes) -> None:
    """Raises DocumentRefused."""
    if not _HEAD.match(content) or not _TAIL.search(content[-1_024:]) or _REFUSED.search(content):
        raise DocumentRefused
    for found in _LISTS.finditer(content):
        at = int(found[1])
        if at and content[at : at + 16].lstrip()[:4] != b"xref":  # 0: the list stands elsewhere
            raise DocumentRefused
