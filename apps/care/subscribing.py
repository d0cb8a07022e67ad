"""Mini-program subscribe messages: one accept, one message, by the ledger of `gateways.grants`; fields that fit, or none sent."""

from typing import NamedTuple

from apps.care import outcomes, reasons, templates
from apps.care.models import Touch
from apps.care.outcomes import Claim, Verdict
from apps.gateways import grants, wechat
from apps.gateways.errors import GrantExhausted
from apps.gateways.messages import Outcome
from apps.members import selectors as members


class Note(NamedTuple):
    """One message, ready to go."""

    key: str
    app_id: str
    openid: str
    template_id: str
    page: str
    data: dict[str, str]
    text: str


def written(
    claim: Claim, *, text: str, content: dict[str, str], wrapped: bytes | None, sealed: bytes | None
) -> Note | Verdict:
    """The message, or why there is none: no address, or a value that WeChat would refuse."""
    openid = members.open_identity("openid", wrapped=wrapped, sealed=sealed) if wrapped and sealed else None
    if openid is None:
        return outcomes.skip(claim, reasons.NO_ADDRESS)
    data = templates.fields(text)
    if not all(wechat.fits(name, value) for name, value in data.items()):
        return Verdict(claim, Touch.State.FAILED, reason=reasons.FIELD_UNFIT)
    template_id = content["template_id"]
    return Note(claim.key, wechat.app_of(template_id), openid, template_id, content.get("page", ""), data, text)


def delivered(note: Note) -> Outcome:
    """Call it with no transaction open. What the ledger does not allow is refused without asking WeChat."""
    try:
        return grants.deliver(
            key=note.key,
            app_id=note.app_id,
            openid=note.openid,
            template_id=note.template_id,
            data=note.data,
            page=note.page,
        )
    except GrantExhausted:
        return Outcome(note.key, "refused", code=reasons.NO_GRANT)
