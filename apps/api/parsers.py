"""JSON bodies, read strictly."""

from collections.abc import Mapping
from json import JSONDecoder
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

_DECODER = JSONDecoder(parse_constant=strict_constant)


def read(body: bytes) -> Any:
    """Without NaN, always in UTF-8 whatever a charset says; one BOM is let pass. Raises ParseError, also for nesting without end."""
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as wrong:
        raise ParseError from wrong


class StrictJson(JSONParser):
    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return read(stream.read())
