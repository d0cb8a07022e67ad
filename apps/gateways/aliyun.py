"""Aliyun SMS (dysmsapi 2017-05-25): send, ask, templates, and what its callbacks say. `OutId` carries our key."""

import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from apps.core import clock
from apps.gateways import signing, vendor_calls
from apps.gateways.messages import Answered, Outcome, Outgoing, Receipt, Review
from apps.gateways.pacing import Breaker
from apps.gateways.vendor_calls import Unanswered

VERSION = "2017-05-25"
PAGE = 50  # details a page, the most it gives
PAGES = 20
MOST_DAYS = 3
SURE_AFTER = timedelta(minutes=10)  # its details lag: sooner, that a message is not among them proves nothing
KINDS = {"otp": "0", "notice": "1", "promo": "2"}
STATES: dict[int, str] = {0: "pending", 1: "approved", 2: "refused"}

breaker = Breaker()
approved: dict[str, str] = {}  # our template name → its code; filled by `sms_templates`

OURS = {
    "isv.MOBILE_NUMBER_ILLEGAL": "NUMBER_INVALID",
    "isv.SMS_SIGNATURE_ILLEGAL": "SIGNATURE_UNAPPROVED",
    "isv.SMS_TEMPLATE_ILLEGAL": "TEMPLATE_UNAPPROVED",
    "isv.TEMPLATE_MISSING_PARAMETERS": "TEMPLATE_MISMATCH",
    "isv.INVALID_JSON_PARAM": "TEMPLATE_MISMATCH",
    "isv.INVALID_PARAMETERS": "TEMPLATE_MISMATCH",
    "isv.PARAM_LENGTH_LIMIT": "CONTENT_TOO_LONG",
    "isv.PARAM_NOT_SUPPORT_URL": "TEMPLATE_MISMATCH",
    "isv.BLACK_KEY_CONTROL_LIMIT": "SENSITIVE_WORD",
    "isv.BUSINESS_LIMIT_CONTROL": "DAY_LIMIT",
    "MOBILE_IN_BLACK": "BLACKLIST",
    "MOBILE_NOT_ON_SERVICE": "NUMBER_INVALID",
    "SENDING_TIME_LIMIT": "NIGHT_BLOCKED",
}
ACCOUNT = frozenset(
    {
        "isp.RAM_PERMISSION_DENY",
        "isv.OUT_OF_SERVICE",
        "isv.PRODUCT_UN_SUBSCRIPT",
        "isv.PRODUCT_UNSUBSCRIBE",
        "isv.ACCOUNT_NOT_EXISTS",
        "isv.ACCOUNT_ABNORMAL",
        "isv.AMOUNT_NOT_ENOUGH",
        "InvalidAccessKeyId.NotFound",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "InvalidTimeStamp.Expired",
        "Throttling.User",
        "Throttling.Api",
    }
)


def send(message: Outgoing) -> Outcome:
    """One message, one request. Never raises for a bad answer."""
    return vendor_calls.sent(message, approved=approved, hand_over=lambda code: _handed_over(message, code))


def _handed_over(message: Outgoing, code: str) -> Outcome:
    query = {
        "PhoneNumbers": message.to.removeprefix("+86") if message.to.startswith("+86") else message.to[1:],
        "SignName": vendor_calls.signature_of(message.text),
        "TemplateCode": code,
        "OutId": message.key,
    }
    if message.values:
        query["TemplateParam"] = json.dumps(dict(message.values), ensure_ascii=False)
    answer = _call("SendSms", query)
    word, biz = str(answer.get("Code")), answer.get("BizId")
    if word == "OK" and isinstance(biz, str) and biz:
        return Outcome(message.key, "accepted", f"aliyun:{biz}", "OK")
    return vendor_calls.refused(message.key, word, str(answer.get("Message") or ""), ours=OURS, account=ACCOUNT)


def ask(key: str, *, to: str, since: datetime, at: datetime) -> Outcome | None:
    """What became of a message of these days to that number; None: it certainly never arrived at the vendor."""
    return vendor_calls.told(key, lambda: _looked_up(key, to, since, at))


def _looked_up(key: str, to: str, since: datetime, at: datetime) -> Outcome | None:
    first, last = clock.local_date(since), clock.local_date(at + timedelta(minutes=5))
    days = [first + timedelta(days=n) for n in range(min((last - first).days, MOST_DAYS) + 1)]
    for day in reversed(days):
        for row in _details(to, f"{day:%Y%m%d}"):
            if str(row.get("OutId")) == key:
                return _told(key, row)
    return None if clock.now() - at >= SURE_AFTER else Outcome(key, "unknown", code="TOO_SOON")


def submit_template(*, name: str, kind: str, text: str) -> Review:
    """Hand a text in for review. Raises Unanswered."""
    asked = {"TemplateType": KINDS[kind], "TemplateName": name[:30], "TemplateContent": text, "Remark": name}
    answer = _call("AddSmsTemplate", asked)
    if answer.get("Code") != "OK":
        return Review("refused", reason=f"{answer.get('Code')} {answer.get('Message')}"[:200])
    return Review("pending", code=str(answer.get("TemplateCode")))


def review_of(code: str) -> Review:
    """How the review of a template stands. Raises Unanswered."""
    answer = _call("QuerySmsTemplate", {"TemplateCode": code})
    state = STATES.get(answer.get("TemplateStatus", -1), "pending") if answer.get("Code") == "OK" else "pending"
    return Review(state, code=code, reason=str(answer.get("Reason") or "")[:200])


def receipts(rows: list[Any]) -> Iterator[Receipt]:
    """Its status reports (SmsReport) by callback."""
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("success"), bool) and isinstance(row.get("out_id"), str):
            failure = str(row.get("err_code") or "UNKNOWN")
            yield Receipt(
                key=row["out_id"],
                is_delivered=row["success"],
                code="" if row["success"] else OURS.get(failure, failure)[:30],
                source=f"aliyun:{row.get('biz_id')}",
                at=vendor_calls.shop_time(row.get("report_time")),
            )


def answers(rows: list[Any]) -> Iterator[Answered]:
    """Replies (SmsUp) by callback: it names the number, not our message."""
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("content"), str) and row.get("phone_number"):
            source = f"aliyun:{row.get('sequence_id')}"
            yield Answered(phone=_e164(str(row["phone_number"])), text=row["content"], source=source)


def placeholder(name: str, _place: int) -> str:
    return f"${{{name}}}"


def acknowledged() -> dict[str, Any]:
    return {"code": 0, "msg": "ok"}


def _told(key: str, row: dict) -> Outcome:
    if row.get("SendStatus") == 2:
        failure = str(row.get("ErrCode") or "")
        return Outcome(key, "refused", code=OURS.get(failure, failure)[:60])
    return Outcome(key, "accepted", provider_id="aliyun:", code="OK")


def _details(to: str, day: str) -> Iterator[dict]:
    for page in range(1, PAGES + 1):
        asked = {
            "PhoneNumber": to.removeprefix("+86"),
            "SendDate": day,
            "PageSize": str(PAGE),
            "CurrentPage": str(page),
        }
        answer = _call("QuerySendDetails", asked)
        listed = answer.get("SmsSendDetailDTOs")
        rows = listed.get("SmsSendDetailDTO") if isinstance(listed, dict) else None
        if answer.get("Code") != "OK" or not isinstance(rows, list):
            raise Unanswered("unknown", str(answer.get("Code"))[:60])
        yield from (row for row in rows if isinstance(row, dict))
        if len(rows) < PAGE:
            return
    raise Unanswered("unknown", "TOO_MANY_DETAILS")


def _call(action: str, query: Mapping[str, str]) -> dict:
    """One signed call. Errors of the gateway come as HTTP 4xx with the same `Code`. Raises Unanswered."""
    url = settings.ALIYUN_SMS_URL
    canonical = signing.canonical_query(query)
    headers = {
        "host": vendor_calls.host(url),
        "x-acs-action": action,
        "x-acs-date": f"{clock.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": secrets.token_hex(16),
        "x-acs-version": VERSION,
    }
    authorization = signing.acs3(
        key_id=settings.ALIYUN_SMS_KEY_ID, secret=settings.ALIYUN_SMS_KEY_SECRET, query=canonical, headers=headers
    )
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # the sum of no body
    sent = headers | {"x-acs-content-sha256": empty, "Authorization": authorization}
    _status, answer = vendor_calls.exchange(url, target=f"/?{canonical}", body=b"", headers=sent, breaker=breaker)
    return answer


def _e164(number: str) -> str:
    return f"+86{number}" if len(number) == 11 and number.isdecimal() else f"+{number.lstrip('+')}"
