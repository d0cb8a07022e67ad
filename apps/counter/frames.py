"""Codes in pictures, for browsers that cannot read them by themselves: decoded in memory within bounds, nothing is kept."""

import io
import time
import warnings
from collections.abc import Iterator, Sequence

import zxingcpp
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

MOST_BYTES = 6 * 1024 * 1024
MOST_PIXELS = 24_000_000
SIDE = 1600  # pixels to which a photo is shrunk before the search
FORMATS = ("JPEG", "PNG", "WEBP")
BARS = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.AllLinear)
TURNS = (-24, 24)  # degrees
# Seconds of the processor after which no further look at a picture begins: a till sends the next frame soon.
BUDGET = 0.3


def read(content: bytes) -> str:
    """The text of the first code in a picture; "" for none, and for what is no picture or too large a one."""
    if not content or len(content) > MOST_BYTES:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                return ""
            picture.draft("L", (SIDE, SIDE))
            grey = picture.convert("L")
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        return ""
    grey.thumbnail((SIDE, SIDE))
    return next(filter(None, _looks(grey)), "")


def _looks(grey: Image.Image) -> Iterator[str]:
    """As it is; sharpened, for a hand that shook; then turned, for bars are read along lines that must cross all of them.
    A picture full of grain takes long and gets one look."""
    began = time.thread_time()
    yield _found(zxingcpp.read_barcodes(grey))
    if time.thread_time() - began > BUDGET:
        return
    sharp = ImageOps.autocontrast(grey, cutoff=1).filter(ImageFilter.UnsharpMask(3, 300))
    yield _found(zxingcpp.read_barcodes(sharp))
    smooth = ImageOps.autocontrast(grey.filter(ImageFilter.MedianFilter(3)), cutoff=1)
    for degrees in TURNS:
        if time.thread_time() - began > BUDGET:
            return
        turned = smooth.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=128)
        yield _found(zxingcpp.read_barcodes(turned, formats=BARS))


def _found(codes: Sequence[zxingcpp.Barcode]) -> str:
    return str(codes[0].text) if codes else ""
