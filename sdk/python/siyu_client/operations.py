"""`Siyu`: one method per operation of the API, from operations.json; operations.pyi says their types."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from siyu_client.client import Answer, Engine, Operation

_HEADERS = {"if_match", "if_none_match", "prefer"}


def _operation(row: str) -> Operation:
    """`PUT /me km limit,cursor`: method, path, flags, names of the query."""
    method, path, flags, *query = row.split(" ")
    return Operation(method, path, tuple(query[0].split(",")) if query else (), "k" in flags, "m" in flags)


OPERATIONS = {
    name: _operation(row) for name, row in json.loads(Path(__file__).with_name("operations.json").read_text()).items()
}


class Siyu(Engine):
    """One installation, as one member, program or till. May be shared by threads."""


def _method(name: str, operation: Operation) -> Callable[..., Answer[Any]]:
    known = {part.split("}")[0] for part in operation.path.split("{")[1:]} | set(operation.query) | _HEADERS

    def method(self: Siyu, body: Any = None, *, idempotency_key: str | None = None, **given: Any) -> Answer[Any]:
        if strange := given.keys() - known:
            raise TypeError(f"{name}() knows no {', '.join(sorted(strange))}")
        return self.call(operation, given, body, idempotency_key or "")

    method.__name__ = name
    return method


for _name, _one in OPERATIONS.items():
    setattr(Siyu, _name, _method(_name, _one))
