"""What counts as a reason that somebody gives for an act: one rule for the whole house."""

import unicodedata

LEAST, MOST = 4, 200  # letters; a Chinese sign says as much as two
LEAST_SIGNS = 2  # what a form can ask for by itself


def said(text: str) -> str:
    """As it is kept, blanks made one; "" where it is too short to say anything: 错发 is a reason, "ok" and "..." are none."""
    kept = " ".join(text.replace("\0", "").split())[:MOST]
    weight = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in kept if sign.isalnum())
    return kept if weight >= LEAST else ""
