"""Codes in pictures, for browsers that cannot read them by themselves: decoded in memory within bounds, nothing is kept."""

import io
import warnings

import zxingcpp
from PIL import Image, UnidentifiedImageError

MOST_BYTES = 6 * 1024 * 1024
MOST_PIXELS = 24_000_000
SIDE = 1600  # pixels to which a photo is shrunk before the search
FORMATS = ("JPEG", "PNG", "WEBP")


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
    found = zxingcpp.read_barcodes(grey)
    return str(found[0].text) if found else ""
