"""PDFs of staff: what could act in a reader is refused, however it is written, and what does not stand in plain sight, too."""

import zlib

import pytest

from apps.core.files import documents
from apps.core.files.errors import DocumentRefused

HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
PAGE = b"<< /Type /Page /Contents 2 0 R /Prev 1 0 R >>"
TEXT = b"<< /Filter /FlateDecode >>\nstream\n" + zlib.compress(b"BT (JavaScript) Tj ET") + b"\nendstream"


def pdf(
    *objects: bytes, head: bytes = HEAD, trailer: bytes = b"/Root 1 0 R", tail: bytes = b"%%EOF\n", moved: int = 0
) -> bytes:
    body = head + b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, one) for number, one in enumerate(objects, start=1))
    listed = b"xref\n0 1\n0000000000 65535 f\ntrailer\n<< %s >>\nstartxref\n%d\n" % (trailer, len(body) + moved)
    return body + listed + tail


def test_a_plain_page_is_taken():
    documents.check(pdf(PAGE, TEXT, b"<< /Type /Font /Name /JavaScriptless /Other /XRefs >>"))


@pytest.mark.parametrize(
    "content",
    [
        pdf(b"<< /S /JavaScript /JS (app.alert) >>"),
        pdf(b"<< /S /Java#53cript >>"),
        pdf(b"<< /S /#4aavaScript >>"),
        pdf(b"<</S/Launch/F(cmd.exe)>>"),
        pdf(b"<< /Names << /EmbeddedFiles 3 0 R >> >>"),
        pdf(b"<< /AcroForm << /XFA[3 0 R] >> >>"),
        pdf(PAGE, trailer=b"/Encrypt 5 0 R"),
        pdf(b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + zlib.compress(b"x") + b"\nendstream"),
        pdf(b"<< /Type /Obj#53tm >>"),
        pdf(PAGE, trailer=b"/XRefStm 9"),
        pdf(PAGE, moved=3),
        pdf(PAGE, trailer=b"/Prev 12"),
        pdf(PAGE, head=b"MZ\x90\x00" + HEAD),
        pdf(PAGE, tail=b"%%EOF\nPK\x03\x04 a second file"),
        pdf(PAGE, tail=b"cut off"),
        b"%PDF-",
    ],
)
def test_what_acts_is_hidden_or_broken_is_refused(content: bytes):
    with pytest.raises(DocumentRefused):
        documents.check(content)
