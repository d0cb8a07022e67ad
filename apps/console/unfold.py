"""Unfold's settings: our tokens, our navigation."""

UNFOLD = {"SITE_TITLE": "Siyu", "SITE_HEADER": "Siyu"}
