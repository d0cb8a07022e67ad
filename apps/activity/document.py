"""`docs/api/events.md`, made from the catalogue; a test keeps the two in step."""

import json
from typing import Any

from apps.activity import batches, catalogue
from apps.activity.catalogue import EventType

_HEAD = """# Behaviour events

Made by `bin/manage event_catalogue`; change `apps/activity/catalogue.py` instead.

A batch is a list of at most {events} events and {bytes:,} bytes: `POST /events` with a member's token or none, or, of a member whom a
program of the brand knows (another shop, gates, shelves, tags), `POST /members/{{id}}/events` with a key of scope `events.write`.
Each event:

| Field | Meaning |
|---|---|
| `event_id` | UUID, made by the client once and kept over every repeat |
| `name` | one of the names below, or `custom.` and a word of your own |
| `occurred_at` | RFC 3339 with offset: when it happened by the sender's clock |
| `properties` | an object that fits the schema of the name; unknown fields are refused |

Send `sent_at`, the sender's clock at the moment of sending, with the batch: a phone whose clock is wrong then does no harm.
Events may come in any order and more than once. They are stored once; a repeat counts as `duplicates`. What is wrong with one
event refuses that event alone: `rejected` names its index, a code and a sentence.

| Code | Why |
|---|---|
{reasons}

No property says who somebody is. A text that looks like a phone, an e-mail address or an identity number refuses its event
(`personal_data`), also when it was typed into a search. Numbers of products, stores, coupons and messages are what properties hold.
"""


def page() -> str:
    reasons = "\n".join(f"| `{code}` | {_plain(text)} |" for code, text in batches.REASONS.items())
    head = _HEAD.format(events=batches.MOST_EVENTS, bytes=batches.MOST_BYTES, reasons=reasons)
    own = (
        "## `custom.…`\n\nYour own events: `custom.` and up to 32 small letters, digits and underscores. "
        "At most 20 properties, each a text of at most 200 characters, a number, true, false or null.\n\n"
        + _schema(catalogue.CUSTOM_SCHEMA)
    )
    return "\n".join([head, *(_section(kind) for kind in catalogue.TYPES), own])


def _section(kind: EventType) -> str:
    said = f"## `{kind.name}`\n\n{kind.about}\n\n"
    example = json.dumps(dict(kind.example), ensure_ascii=False)
    return f"{said}Example of `properties`: `{example}`\n\n{_schema(kind.schema)}"


def _schema(schema: dict[str, Any]) -> str:
    rules = {name: rule for name, rule in schema.items() if name != "properties"}
    lines = [f"  {json.dumps(name)}: {json.dumps(rule, ensure_ascii=False)}" for name, rule in rules.items()]
    if "properties" in schema:
        inner = ",\n".join(
            f"    {json.dumps(name)}: {json.dumps(rule, ensure_ascii=False)}"
            for name, rule in schema["properties"].items()
        )
        lines.insert(1, '  "properties": {\n' + inner + "\n  }")
    return "```json\n{\n" + ",\n".join(lines) + "\n}\n```\n"


def _plain(text: object) -> str:
    return str(text).replace("|", "\\|")
