"""What strangers send is a picture or is refused; what is kept is pixels and nothing else (T-S10)."""

import io
import subprocess
import sys
import zlib

import pytest
from PIL import Image

from apps.core.files import pictures
from apps.core.files.errors import PictureRefused, PictureTooLarge
from tests import pictures_made as made
from tests.pictures_made import PLACE, drawn, photo

POLYGLOTS = {
    "a zip behind a JPEG": drawn() + made.ZIP,
    "a page behind a JPEG": drawn() + made.HTML,
    "a page in a JPEG's comment": drawn(comment=made.HTML),
    "a page behind a PNG": drawn("PNG") + made.HTML,
    "a page in a PNG's text": made.png_header(8, 8, rows=b"\0" + b"\0" * 24 * 8)[:33]
    + made.png_chunk(b"tEXt", b"Comment\0" + made.HTML)
    + made.png_header(8, 8, rows=b"".join(b"\0" + b"\1" * 24 for _ in range(8)))[33:],
}
REFUSED = {
    "SVG": made.SVG, "HTML": made.HTML, "ZIP": made.ZIP, "empty": b"", "text": b"hello", "GIF": drawn("GIF"),
    "TIFF": drawn("TIFF"), "BMP": drawn("BMP"), "PDF": drawn("PDF"), "executable": b"\x7fELF" + b"\0" * 60,
}  # fmt: skip


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_kept_is_a_small_upright_jpeg_without_place_camera_or_comment(kind: str):
    sent = photo(kind=kind)
    assert PLACE in sent

    kept = pictures.clean(sent, longest=400)

    image = opened(kept.content)
    assert (image.format, image.size) == ("JPEG", (300, 400))
    assert (kept.width, kept.height) == (300, 400)
    assert (dict(image.getexif()), image.info.get("comment"), image.info.get("icc_profile")) == ({}, None, None)
    assert PLACE not in kept.content
    assert b"Phone of somebody" not in kept.content
    assert b"Exif" not in kept.content


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int):
    """A red corner, top left when looked at, whichever way the phone was held."""
    upright = Image.new("RGB", (80, 40), "blue")
    upright.paste("red", (0, 0, 20, 20))
    turns = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright if turns[orientation] is None else upright.transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    stored.save(target, "PNG", exif=exif)

    image = opened(pictures.clean(target.getvalue(), longest=80).content)

    assert image.size == (80, 40)
    red, _green, blue = image.getpixel((5, 5))
    assert red > 200 > 100 > blue


def test_what_was_transparent_is_white():
    kept = opened(pictures.clean(drawn("PNG", colour="#00000000"), longest=100).content)

    assert kept.getpixel((50, 30)) == (255, 255, 255)


@pytest.mark.parametrize("name", POLYGLOTS)
def test_nothing_that_hides_in_or_behind_a_picture_is_kept(name: str):
    kept = pictures.clean(POLYGLOTS[name], longest=400).content

    assert kept.startswith(b"\xff\xd8\xff")
    for hidden in (made.HTML, b"<script", made.ZIP[:4]):
        assert hidden not in kept


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_by_its_content(name: str):
    with pytest.raises(PictureRefused) as refusal:
        pictures.clean(REFUSED[name], longest=400)

    assert refusal.value.facts == {"found": "other"}


def test_heic_is_refused_by_name_so_that_a_client_can_say_what_to_do():
    with pytest.raises(PictureRefused) as refusal:
        pictures.clean(made.heic(), longest=400)

    assert (refusal.value.code, refusal.value.status, refusal.value.facts) == (
        "upload_type_refused", 415, {"found": "heic"},
    )  # fmt: skip


@pytest.mark.parametrize("cut", [12, 100, 1000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_is_refused(kind: str, cut: int):
    with pytest.raises(PictureRefused) as refusal:
        pictures.clean(drawn(kind, size=(700, 700))[: max(cut // 4, 12)], longest=400)

    assert refusal.value.facts == {"found": "damaged"}


@pytest.mark.parametrize("size", [(50_000, 50_000), (24_000_001, 1), (1, 24_000_001), (4_900, 4_900)])
def test_too_many_pixels_are_refused_from_the_header(size: tuple[int, int]):
    with pytest.raises(PictureTooLarge) as refusal:
        pictures.clean(made.png_header(*size), longest=400)

    assert (refusal.value.status, refusal.value.facts) == (413, {"limit_pixels": 24_000_000})


def test_text_that_unpacks_to_a_hundred_times_its_size_is_refused():
    bomb = made.png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 90_000_000))
    whole = drawn("PNG")

    with pytest.raises(PictureRefused):
        pictures.clean(whole[:33] + bomb + whole[33:], longest=400)


MEMORY = r"""
import re, sys
from apps.core.files import pictures
try:
    pictures.clean(sys.stdin.buffer.read(), longest=640)
except Exception as refusal:
    print(type(refusal).__name__, file=sys.stderr)
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BOMB"])
def test_the_largest_picture_needs_less_than_256_mb_of_memory(kind: str):
    """In a process of its own, Python and Pillow included; the picture itself is made in this one."""
    options: dict[str, object] = {"progressive": True, "subsampling": 0} if kind == "JPEG" else {}
    size = (4_000, 3_000) if kind == "WEBP" else (6_000, 4_000)
    sent = made.png_header(50_000, 50_000) if kind == "BOMB" else drawn(kind, size=size, **options)

    done = subprocess.run([sys.executable, "-c", MEMORY], input=sent, capture_output=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr.decode()
    print(kind, int(done.stdout), "MB")  # noqa: T201 - with -s the figures are read
    assert int(done.stdout) < 256, done.stdout
    assert (b"PictureTooLarge" in done.stderr) == (kind == "BOMB"), done.stderr
