"""What of the SDKs is made from the OpenAPI document: the table of operations and the types, for JavaScript and for Python.

The engines beside them (`sdk/js/siyu.js`, `sdk/python/siyu_client/client.py`) are written by hand and know no operation by name.
"""

import json
from collections.abc import Callable
from typing import Any

from apps.api.document import NEEDS, operations

MADE = "Made by `bin/manage api_document --write` from docs/api/openapi.json."
Schema = dict[str, Any]
_HEADERS = {
    "If-Match": "if_match",
    "If-None-Match": "if_none_match",
    "Prefer": "prefer",
    "Idempotency-Key": "idempotency_key",
}
_TS = {
    "string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null",
    "object": "Record<string, unknown>",
}  # fmt: skip
_PY = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}


def files(document: Schema) -> dict[str, str]:
    """Path below the repository → content, in the order of the published document."""
    document = json.loads(json.dumps(document, sort_keys=True))
    return {
        "sdk/js/operations.js": _table_js(document),
        "sdk/js/index.d.ts": _types_ts(document),
        "sdk/python/siyu_client/operations.json": _table_json(document),
        "sdk/python/siyu_client/operations.pyi": _types_py(document),
    }


def _row(path: str, method: str, one: Schema) -> str:
    """`PUT /me/consents/{purpose}/{channel} km`: k takes an Idempotency-Key, m is a member's, u is an upload, - nothing of it."""
    names = {given["name"] for given in one.get("parameters", [])}
    flags = "k" * ("Idempotency-Key" in names)
    flags += "m" * (one[NEEDS] in {"member", "anyone"})
    flags += "u" * ("multipart/form-data" in one.get("requestBody", {}).get("content", {}))
    query = ",".join(given["name"] for given in one.get("parameters", []) if given["in"] == "query")
    return " ".join(filter(None, [method.upper(), path.removeprefix("/api/v1"), flags or "-", query]))


def _table_js(document: Schema) -> str:
    rows = [
        f'  {camel(one["operationId"])}: "{_row(path, method, one)}",' for path, method, one in operations(document)
    ]
    return "\n".join([f"// {MADE}", '"use strict";', "module.exports = {", *rows, "};", ""])


def _table_json(document: Schema) -> str:
    rows = {one["operationId"]: _row(path, method, one) for path, method, one in operations(document)}
    return json.dumps(rows, indent=1) + "\n"


def camel(name: str, joint: str = "_") -> str:
    first, *rest = name.replace("-", joint).split(joint)
    return first + "".join(part.capitalize() for part in rest)


def _typed(
    schema: Schema, basic: dict[str, str], of_list: str, of_map: str, literal: Callable[[list[Any]], str]
) -> str:
    """The type of a schema in one of the two languages."""

    def inner(part: Schema) -> str:
        return _typed(part, basic, of_list, of_map, literal)

    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "oneOf" in schema:
        return " | ".join(dict.fromkeys(inner(part) for part in schema["oneOf"]))
    if "enum" in schema:
        return literal(schema["enum"])
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return " | ".join(dict.fromkeys(inner(schema | {"type": part}) for part in kind))
    if kind == "array":
        return of_list.format(inner(schema.get("items", {})))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return of_map.format(inner(schema["additionalProperties"]))
    return basic[kind]


def _ts(schema: Schema) -> str:
    if schema.get("format") == "binary":
        return "ArrayBuffer"
    return _typed(schema, _TS, "Array<{}>", "Record<string, {}>", lambda values: " | ".join(map(json.dumps, values)))


def _py(schema: Schema) -> str:
    if schema.get("format") == "binary":
        return "bytes"
    return _typed(
        schema, _PY, "list[{}]", "dict[str, {}]", lambda values: f"Literal[{', '.join(map(json.dumps, values))}]"
    )


def _answer(one: Schema, typed: Callable[[Schema], str], nothing: str) -> str:
    found = []
    for status, response in one["responses"].items():
        if status.startswith("2"):
            content = next(iter(response.get("content", {}).values()), None)
            found.append(typed(content["schema"]) if content else nothing)
    return " | ".join(dict.fromkeys(found))


def _body(one: Schema, typed: Callable[[Schema], str]) -> tuple[str, bool]:
    """Type and whether it must be there; "" without a body."""
    wanted = one.get("requestBody")
    return (
        (typed(next(iter(wanted["content"].values()))["schema"]), bool(wanted.get("required")))
        if wanted
        else ("", False)
    )


def _parameters(one: Schema) -> list[tuple[str, Schema, bool]]:
    """(name as Python writes it, schema, must it be there). Keys are made where none is given."""
    found = []
    for given in one.get("parameters", []):
        name = _HEADERS.get(given["name"], given["name"])
        found.append((name, given["schema"], bool(given.get("required")) and name != "idempotency_key"))
    return sorted(found, key=lambda row: not row[2])


def _fields_ts(schema: Schema) -> list[str]:
    needed = set(schema.get("required", []))
    lines = []
    for name, part in schema.get("properties", {}).items():
        said = str(part.get("description", "")).replace("*/", "* /").replace("\n", " ")
        lines += [f"  /** {said} */"] if said else []
        lines.append(f"  {name}{'' if name in needed else '?'}: {_ts(part)};")
    return lines


_HEAD_TS = f"""// {MADE}

export interface Options {{
  /** Where the house answers: https://crm.example.com */
  base: string;
  /** A program's or a till's key. Never in a mini-program: there members log in. */
  key?: string;
  /** `wx`, a web Storage, or nothing: then tokens live as long as the page. */
  storage?: unknown;
  /** zh-hans or en: the language of `title` in errors. */
  language?: string;
  /** Sent with every call, such as Sandbox-Key. */
  headers?: Record<string, string>;
  /** The log-in has ended and cannot be renewed. */
  onLoggedOut?: () => void;
  /** In place of wx.request or fetch. Status 0 means that no answer came. */
  transport?: (request: Request) => Promise<{{ status: number; headers: Record<string, string>; body: unknown }}>;
  wait?: (milliseconds: number) => Promise<void>;
}}

export interface Request {{
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
  upload?: Picture;
  onProgress?: (percent: number) => void;
}}

export interface CallOptions {{
  /** Kept in `storage` before it is sent, and sent again by `resume()` if the app was closed meanwhile. */
  persist?: boolean;
  /** Of an upload, 0 to 100. */
  onProgress?: (percent: number) => void;
}}

export interface Picture {{
  /** Of wx.chooseMedia. */
  filePath?: string;
  /** In a browser. */
  file?: Blob;
  purpose?: FileInput["purpose"];
}}

export interface Answer<T> {{
  data: T;
  status: number;
  /** For `ifMatch` of the write that follows. */
  etag: string;
  requestId: string;
  headers: Record<string, string>;
}}

export class SiyuError extends Error {{
  status: number;
  /** Stable; the list is at /api/docs/errors. `network` when no answer came. */
  code: string;
  retryable: boolean;
  /** Seconds; 0 when nothing was said. */
  retryAfter: number;
  requestId: string;
  errors: Pointed[];
  problem: Partial<Problem> & Record<string, unknown>;
}}
"""


def _types_ts(document: Schema) -> str:
    lines = [_HEAD_TS]
    for name, schema in document["components"]["schemas"].items():
        lines += [f"export interface {name} {{", *_fields_ts(schema), "}", ""]
    lines += ["export class Siyu {", "  constructor(options: Options);", "  tokens: PairOut | null;"]
    lines.append("  /** Sends again what was begun with `persist` and never answered. */")
    lines.append("  resume(): Promise<Answer<unknown>[]>;")
    for _path, _method, one in operations(document):
        lines += [f"  /** {one['summary']} ({one[NEEDS]}) */", f"  {_signature_ts(one)}"]
    return "\n".join([*lines, "}", ""])


def _signature_ts(one: Schema) -> str:
    given = [f"{camel(name)}{'' if must else '?'}: {_ts(schema)}" for name, schema, must in _parameters(one)]
    must_have = any(must for _name, _schema, must in _parameters(one))
    if "multipart/form-data" in one.get("requestBody", {}).get("content", {}):
        arguments = "args: Picture"
    else:
        body, needed = _body(one, _ts)
        given += [f"body{'' if needed else '?'}: {body}"] if body else []
        arguments = f"args{'' if needed or must_have else '?'}: {{ {'; '.join(given)} }}" if given else "args?: {}"
    return f"{camel(one['operationId'])}({arguments}, options?: CallOptions): Promise<Answer<{_answer(one, _ts, 'null')}>>;"


def _types_py(document: Schema) -> str:
    lines = [f"# {MADE}", "from typing import Any, Literal, NotRequired, TypedDict", ""]
    lines += [
        "from siyu_client.client import Answer, Engine, Operation, Upload",
        "",
        "OPERATIONS: dict[str, Operation]",
        "",
    ]
    for name, schema in document["components"]["schemas"].items():
        needed = set(schema.get("required", []))
        fields = [
            f'"{key}": {_py(part) if key in needed else f"NotRequired[{_py(part)}]"}'
            for key, part in schema.get("properties", {}).items()
            if part.get("format") != "binary"
        ]
        lines.append(f'{name} = TypedDict("{name}", {{{", ".join(fields)}}})')
    lines += ["", "class Siyu(Engine):"]
    for _path, _method, one in operations(document):
        lines.append(f"    def {one['operationId']}({_arguments_py(one)}) -> Answer[{_answer(one, _py, 'None')}]:")
        lines.append(f'        """{one["summary"]} ({one[NEEDS]})"""')
    return "\n".join([*lines, ""])


def _arguments_py(one: Schema) -> str:
    arguments = ["self"]
    body, needed = _body(one, _py)
    if "multipart/form-data" in one.get("requestBody", {}).get("content", {}):
        body, needed = "Upload", True
    if body:
        arguments.append(f"body: {body}" if needed else f"body: {body} | None = None")
    given = [
        f"{name}: {_py(schema)}" if must else f"{name}: {_py(schema)} | None = None"
        for name, schema, must in _parameters(one)
    ]
    return ", ".join([*arguments, *(["*", *given] if given else [])])
