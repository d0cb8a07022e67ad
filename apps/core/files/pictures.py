"""Pictures from strangers: judged by their content, decoded within bounds, and drawn anew, so that nothing but pixels is kept.

What comes out is a JPEG of ours: no EXIF, no place, no comment, no second file hidden behind the first one.
"""

import threading
from dataclasses import dataclass
from io import BytesIO

import structlog
from PIL import Image, ImageOps

from apps.core.files.errors import PictureRefused, PictureTooLarge

log = structlog.get_logger("siyu.files")
MEDIA_TYPE = "image/jpeg"
# Known from the header, before anything is decoded. A WebP is decoded whole, several times over.
MOST_PIXELS = {"JPEG": 24_000_000, "PNG": 24_000_000, "WEBP": 12_000_000}
QUALITY = 85
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
_at_work = threading.Lock()  # one picture at a time in a process: its memory is that of one picture


@dataclass(frozen=True)
class Picture:
    """A clean JPEG."""

    content: bytes
    width: int
    height: int


def clean(content: bytes, *, longest: int) -> Picture:
    """The picture drawn anew, upright, at most `longest` pixels on its longer side, on white where it was transparent.

    Raises PictureRefused (no JPEG, PNG or WebP, or a damaged one), PictureTooLarge (more than MOST_PIXELS).
    """
    found = kind_of(content)
    if found not in MOST_PIXELS:
        raise PictureRefused(found=found.lower())
    with _at_work:
        try:
            return _drawn(content, kind=found, longest=longest)
        except PictureTooLarge:
            raise
        except Image.DecompressionBombError:
            raise PictureTooLarge(limit_pixels=MOST_PIXELS[found]) from None
        except Exception as failure:  # a decoder that strangers feed may raise anything
            log.info("picture not readable", kind=found, error=type(failure).__name__)
            raise PictureRefused(found="damaged") from None


def kind_of(content: bytes) -> str:
    """What the first bytes say: JPEG, PNG, WEBP, HEIC, or OTHER. Names and content types are the sender's to invent."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return "HEIC" if content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS else "OTHER"


def _drawn(content: bytes, *, kind: str, longest: int) -> Picture:
    """Small as early as possible: a JPEG is decoded at a fraction of its size already."""
    with Image.open(BytesIO(content), formats=[kind]) as image:
        if image.width * image.height > MOST_PIXELS[kind]:
            raise PictureTooLarge(limit_pixels=MOST_PIXELS[kind])
        image.thumbnail((longest, longest))
        upright = ImageOps.exif_transpose(image)
        layered = upright.convert("RGBA")
        canvas = Image.new("RGB", layered.size, "white")
        canvas.paste(layered, mask=layered.getchannel("A"))
    target = BytesIO()
    canvas.save(target, "JPEG", quality=QUALITY)
    return Picture(content=target.getvalue(), width=canvas.width, height=canvas.height)
