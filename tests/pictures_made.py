"""Pictures and things that pretend to be one, made by the tests themselves."""

import io
import struct
import zlib

from PIL import Image

PLACE = b"39.9042N 116.4074E"  # what a phone would write into a photo


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, *, rows: bytes = b"") -> bytes:
    """A PNG of a few bytes that claims to be as large as one likes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def drawn(
    kind: str = "JPEG", *, size: tuple[int, int] = (800, 600), colour: str = "#7a9b5c", **options: object
) -> bytes:
    target = io.BytesIO()
    mode = "RGBA" if kind in {"PNG", "WEBP"} else "RGB"
    Image.new(mode, size, colour).save(target, kind, **options)
    return target.getvalue()


def photo(*, orientation: int = 6, size: tuple[int, int] = (800, 600), kind: str = "JPEG") -> bytes:
    """As a phone takes it: turned, with the place and the camera in its EXIF, and a comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Phone of somebody"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[29] = "N", (39.0, 54.0, 15.0), PLACE.decode()
    options: dict[str, object] = {"exif": exif}
    if kind == "JPEG":
        options["comment"] = PLACE
    return drawn(kind, size=size, **options)


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + b"\0\0\0\0mif1heic" + b"\0" * 200


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
ZIP = b"PK\x03\x04" + b"\0" * 26
