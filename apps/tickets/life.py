"""The life of a ticket, by its kind: which move leads from where to where, and whose move it is. Data only."""

from dataclasses import dataclass

MEMBER, AGENT, STORE, WAREHOUSE, HOUSE = (
    "member",
    "agent",
    "store",
    "warehouse",
    "house",
)  # HOUSE: what time or a story does
STAFF = frozenset({AGENT, STORE})
GOODS = frozenset({AGENT, STORE, WAREHOUSE})

NEW, WORKING, WAITING, OFFERED = "new", "working", "waiting", "offered"
RETURNING, ARRIVED, SENDING = "returning", "arrived", "sending"
RESOLVED, CLOSED, WITHDRAWN, MERGED = "resolved", "closed", "withdrawn", "merged"
OPEN = frozenset({NEW, WORKING, WAITING, OFFERED, RETURNING, ARRIVED, SENDING})
PAUSED = frozenset({WAITING, OFFERED, RETURNING})  # it is the member's turn: clocks stand still
DONE = frozenset({RESOLVED, CLOSED})
_TALK = frozenset({NEW, WORKING, WAITING, OFFERED})

REFUND, RETURN, EXCHANGE, REPAIR, COMPLAINT, QUESTION = (
    "refund",
    "return",
    "exchange",
    "repair",
    "complaint",
    "question",
)
WITH_GOODS = frozenset({RETURN, EXCHANGE, REPAIR})
ABOUT_LINES = frozenset({REFUND, *WITH_GOODS})  # an order line is a must


@dataclass(frozen=True)
class Move:
    by: frozenset[str]
    before: frozenset[str]
    after: str


_EVERY: dict[str, Move] = {
    "take_up": Move(STAFF, frozenset({NEW}), WORKING),
    "ask": Move(STAFF, frozenset({NEW, WORKING, ARRIVED}), WAITING),
    "answer": Move(frozenset({MEMBER}), frozenset({WAITING, OFFERED}), WORKING),
    "withdraw": Move(frozenset({MEMBER, AGENT}), frozenset({*_TALK, RETURNING}), WITHDRAWN),
    "merge": Move(STAFF, OPEN, MERGED),
    "close": Move(frozenset({AGENT, MEMBER, HOUSE}), frozenset({RESOLVED}), CLOSED),
    "reopen": Move(frozenset({MEMBER, AGENT}), DONE, WORKING),
}
_REFUSE = {"refuse": Move(STAFF, frozenset({NEW, WORKING, ARRIVED}), RESOLVED)}
_GOODS = {
    "accept": Move(STAFF, frozenset({NEW, WORKING}), RETURNING),
    "receive": Move(GOODS, frozenset({RETURNING}), ARRIVED),
    "send_back": Move(GOODS, frozenset({ARRIVED}), WORKING),
}
_SENT = {
    "send": Move(GOODS, frozenset({ARRIVED}), SENDING),
    "deliver": Move(frozenset({*GOODS, MEMBER}), frozenset({SENDING}), RESOLVED),
}
MOVES: dict[str, dict[str, Move]] = {
    # `refund` is the story's move: money, points and coupons go with it (flows/refund_ticket.py)
    REFUND: _EVERY | _REFUSE | {"refund": Move(frozenset({HOUSE}), frozenset({NEW, WORKING, WAITING}), RESOLVED)},
    RETURN: _EVERY | _REFUSE | _GOODS | {"refund": Move(frozenset({HOUSE}), frozenset({ARRIVED}), RESOLVED)},
    EXCHANGE: _EVERY | _REFUSE | _GOODS | _SENT,
    REPAIR: _EVERY | _REFUSE | _GOODS | _SENT,
    # A complaint ends when the member agrees, not when the house thinks so.
    COMPLAINT: _EVERY
    | {
        "offer": Move(STAFF, frozenset({NEW, WORKING}), OFFERED),
        "agree": Move(frozenset({MEMBER}), frozenset({OFFERED}), RESOLVED),
        "disagree": Move(frozenset({MEMBER}), frozenset({OFFERED}), WORKING),
    },
    QUESTION: _EVERY | {"resolve": Move(STAFF, frozenset({NEW, WORKING, WAITING}), RESOLVED)},
}


def legal(kind: str, state: str, *, by: str) -> list[str]:
    """The moves open to that side now, in the order of the table; not merging, which is an act on two tickets (`services.merge`)."""
    return [name for name, move in MOVES[kind].items() if by in move.by and state in move.before and name != "merge"]
