"""PDFs of staff: what could act in a reader is refused, however it is written, and what cannot be looked into too."""

import zlib

import pytest

from apps.core.files import documents
from apps.core.files.errors import DocumentRefused

HEAD, TAIL = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"


def pdf(*objects: bytes, head: bytes = HEAD, tail: bytes = TAIL) -> bytes:
    written = [b"%d 0 obj\n%s\nendobj\n" % (number, one) for number, one in enumerate(objects, start=1)]
    return head + b"".join(written) + tail


def packed(
    inner: bytes, *, told: bytes = b"/Type /ObjStm", more: bytes = b"/Filter /FlateDecode", pack=zlib.compress
) -> bytes:
    return b"<< %s %s /Length 9 >>\nstream\r\n%s\nendstream" % (told, more, pack(inner))


PAGE = b"<< /Type /Page /Contents 2 0 R >>"
TEXT = b"<< /Filter /FlateDecode >>\nstream\n" + zlib.compress(b"BT (JavaScript) Tj ET /JavaScript gs") + b"\nendstream"


def test_a_plain_page_is_taken_also_with_packed_objects():
    documents.check(pdf(PAGE, TEXT, packed(b"<< /Type /Font /Name /JavaScriptless >>")))


@pytest.mark.parametrize(
    "content",
    [
        pdf(b"<< /S /JavaScript /JS (app.alert) >>"),
        pdf(b"<< /S /Java#53cript >>"),
        pdf(b"<</S/Launch/F(cmd.exe)>>"),
        pdf(b"<< /Names << /EmbeddedFiles 3 0 R >> >>"),
        pdf(b"<< /AcroForm << /XFA 3 0 R >> >>"),
        pdf(PAGE, tail=b"trailer\n<< /Encrypt 5 0 R >>\n%%EOF"),
        pdf(packed(b"<< /S /JavaScript >>")),
        pdf(packed(b"<< /S /JavaScript >>", told=b"/Type /Obj#53tm")),
        pdf(packed(b"<< /Type /Font >>", more=b"/Filter [/ASCIIHexDecode /FlateDecode]")),
        pdf(packed(b"<< /Type /Font >>", more=b"/Filter /FlateDecode /DecodeParms << /Predictor 12 >>")),
        pdf(packed(b"<< /Type /Font >>", pack=lambda inner: inner)),
        pdf(PAGE, head=b"MZ\x90\x00" + HEAD),
        pdf(PAGE, tail=TAIL + b"PK\x03\x04 a second file"),
        pdf(PAGE, tail=b"cut off"),
        b"%PDF-",
    ],
)
def test_what_acts_is_hidden_or_broken_is_refused(content: bytes):
    with pytest.raises(DocumentRefused):
        documents.check(content)


def test_what_unpacks_to_far_more_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MOST_UNPACKED", 10_000)
    documents.check(pdf(packed(b" " * 9_000)))
    with pytest.raises(DocumentRefused):
        documents.check(pdf(packed(b" " * 9_000), packed(b" " * 9_000)))
