"""JSON bodies, read strictly."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class StrictJson(JSONParser):
    """DRF's parser (no NaN), always in UTF-8, which nesting without end does not break."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        always = {**(parser_context or {}), "encoding": "utf-8-sig"}  # whatever a charset says; one BOM is let pass
        try:
            return super().parse(stream, media_type, always)
        except RecursionError as deep:
            raise ParseError from deep
