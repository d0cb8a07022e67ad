"""The names of behaviour events and the schema of each: the one place. `docs/api/events.md` is made from it.

A brand's own events are called `custom.` and a word, with up to twenty plain values. Properties say what was done with which
thing, by its number; who did it is the event's member or anonymous id, and never stands in a property.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.activity import checking

_WORD = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_.:-]+$"}
_TEXT = {"type": "string", "maxLength": 120}
_CENTS = {"type": "integer", "minimum": 0, "maximum": 10_000_000_000, "description": "in 分"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_PATH = {
    "type": "string",
    "maxLength": 200,
    "pattern": "^/?[A-Za-z0-9_./-]*$",
    "description": "without query: it may say who",
}
_SKU = {**_WORD, "description": "number of the product"}
_STORE = {**_WORD, "maxLength": 40, "description": "code of the store"}
_SECONDS = {"type": "integer", "minimum": 0, "maximum": 86_400}


def _one_of(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


@dataclass(frozen=True)
class EventType:
    """`is_ours`: recorded by the house itself, refused from outside."""

    name: str
    about: str
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)
    is_ours: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {name: dict(rule) for name, rule in self.properties.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }


TYPES: tuple[EventType, ...] = (
    EventType(
        "page_viewed",
        "A page or mini-program page was shown.",
        {"path": _PATH, "from": _PATH, "seconds": _SECONDS},
        ("path",),
        {"path": "/my/", "seconds": 12},
    ),
    EventType(
        "product_viewed",
        "A product's own page was shown.",
        {"sku": _SKU, "category": _TEXT, "price_cents": _CENTS, "from": _WORD},
        ("sku",),
        {"sku": "P00017", "price_cents": 12_900, "from": "search"},
    ),
    EventType(
        "added_to_cart",
        "A product went into the cart.",
        {"sku": _SKU, "quantity": {**_COUNT, "minimum": 1}, "price_cents": _CENTS, "category": _TEXT},
        ("sku",),
        {"sku": "P00017", "quantity": 1, "price_cents": 12_900},
    ),
    EventType(
        "removed_from_cart",
        "A product was taken out of the cart.",
        {"sku": _SKU, "quantity": {**_COUNT, "minimum": 1}},
        ("sku",),
        {"sku": "P00017", "quantity": 1},
    ),
    EventType(
        "checkout_started",
        "The cart was taken to the till; the order itself comes as an order.",
        {"items": _COUNT, "total_cents": _CENTS},
        (),
        {"items": 2, "total_cents": 25_800},
    ),
    EventType(
        "favourited",
        "A product, post or store was marked as a favourite, or the mark was taken off.",
        {"what": _one_of("product", "post", "store", "live"), "id": _WORD, "is_on": {"type": "boolean"}},
        ("what", "id"),
        {"what": "product", "id": "P00017", "is_on": True},
    ),
    EventType(
        "searched",
        "Words were searched for. A search that holds a phone number is refused as a whole.",
        {"query": {"type": "string", "minLength": 1, "maxLength": 60}, "results": _COUNT},
        ("query",),
        {"query": "羊毛围巾", "results": 14},
    ),
    EventType(
        "shared",
        "Something was passed on to others.",
        {
            "what": _one_of("product", "coupon", "live", "page", "post", "code"),
            "id": _WORD,
            "to": _one_of("friend", "group", "moments", "poster", "link"),
        },
        ("what",),
        {"what": "product", "id": "P00017", "to": "group"},
    ),
    EventType(
        "scanned",
        "A code or a product's bar code was scanned in the mini-program.",
        {"what": _one_of("product", "shelf", "table", "code", "other"), "id": _WORD, "store": _STORE},
        ("what",),
        {"what": "shelf", "id": "A-3", "store": "S01"},
    ),
    EventType(
        "store_entered",
        "Somebody came into a store.",
        {"store": _STORE, "by": _one_of("gate", "beacon", "wifi", "geofence", "check_in")},
        ("store",),
        {"store": "S01", "by": "check_in"},
    ),
    EventType(
        "store_left",
        "Somebody left a store.",
        {"store": _STORE, "seconds": _SECONDS},
        ("store",),
        {"store": "S01", "seconds": 840},
    ),
    EventType(
        "device_signal",
        "A shelf, gate, tag, mirror or scale in a store noticed something. Comes with or without a person.",
        {
            "device": _WORD,
            "kind": _one_of("shelf", "gate", "tag", "mirror", "scale", "screen", "other"),
            "signal": _WORD,
            "store": _STORE,
            "sku": _SKU,
            "value": {"type": "number", "minimum": -1_000_000_000, "maximum": 1_000_000_000},
            "unit": {**_WORD, "maxLength": 12},
        },
        ("device", "kind", "signal"),
        {"device": "shelf-12", "kind": "shelf", "signal": "picked_up", "store": "S01", "sku": "P00017"},
    ),
    EventType(
        "live_entered",
        "A live stream was opened.",
        {"live": _WORD, "from": _WORD},
        ("live",),
        {"live": "L20261122", "from": "reminder"},
    ),
    EventType(
        "live_watched",
        "A piece of a live stream was watched; one event per piece.",
        {"live": _WORD, "seconds": _SECONDS, "is_replay": {"type": "boolean"}},
        ("live", "seconds"),
        {"live": "L20261122", "seconds": 300},
    ),
    EventType(
        "coupon_viewed",
        "A coupon was opened and read.",
        {"coupon": _WORD, "from": _WORD},
        ("coupon",),
        {"coupon": "cpn_42", "from": "inbox"},
    ),
    EventType(
        "message_opened",
        "A message in the inbox was opened.",
        {"message": _WORD},
        ("message",),
        {"message": "msg_42"},
    ),
    EventType(
        "content_viewed",
        "A post, guide or video was read or watched.",
        {"id": _WORD, "what": _one_of("post", "video", "guide", "survey"), "seconds": _SECONDS},
        ("id",),
        {"id": "A17", "what": "guide", "seconds": 45},
    ),
    EventType(
        "code_opened",
        "A tracked code or short link was opened by a person. Recorded by the house, with the code's own campaign and store.",
        {"code": _WORD, "channel": _WORD, "campaign": _TEXT, "store": _STORE},
        ("code",),
        {"code": "k3Xw9Qa", "channel": "poster", "campaign": "双十一", "store": "S01"},
        is_ours=True,
    ),
)

CUSTOM = "custom."
CUSTOM_NAME = {"type": "string", "maxLength": 40, "pattern": r"^custom\.[a-z][a-z0-9_]{0,31}$"}
CUSTOM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "maxProperties": 20,
    "propertyNames": {"maxLength": 40, "pattern": "^[a-z][a-z0-9_]*$"},
    "additionalProperties": {
        "type": ["string", "number", "boolean", "null"],
        "maxLength": 200,
        "minimum": -9_007_199_254_740_991,
        "maximum": 9_007_199_254_740_991,
    },
}

BY_NAME: dict[str, EventType] = {kind.name: kind for kind in TYPES}
CHECKS: dict[str, checking.Check] = {kind.name: checking.compiled(kind.schema) for kind in TYPES if not kind.is_ours}
_custom_name = checking.compiled(CUSTOM_NAME)
_custom = checking.compiled(CUSTOM_SCHEMA)


def check_of(name: Any) -> checking.Check | None:
    """The check of an event's properties; None for a name that nobody has declared, or that is ours alone."""
    if type(name) is not str:
        return None
    found = CHECKS.get(name)
    if found is None and name.startswith(CUSTOM) and _custom_name(name) is None:
        return _custom
    return found
