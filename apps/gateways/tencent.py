"""Tencent Cloud SMS (2021-01-11): send, ask, templates, and what its callbacks say. `SessionContext` carries our key.

Its status calls know a message only once its receipt is back: that one is absent there proves nothing.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from apps.core import clock
from apps.gateways import signing, vendor_calls
from apps.gateways.messages import Answered, Outcome, Outgoing, Receipt, Review
from apps.gateways.pacing import Breaker
from apps.gateways.vendor_calls import Unanswered

VERSION = "2021-01-11"
PAGE = 100
KINDS = {"otp": 0, "notice": 0, "promo": 1}
STATES: dict[int, str] = {0: "approved", 1: "pending", -1: "refused"}

breaker = Breaker()
approved: dict[str, str] = {}  # our template name → its id; filled by `sms_templates`

OURS = {
    "FailedOperation.PhoneNumberInBlacklist": "BLACKLIST",
    "FailedOperation.SignatureIncorrectOrUnapproved": "SIGNATURE_UNAPPROVED",
    "FailedOperation.TemplateIncorrectOrUnapproved": "TEMPLATE_UNAPPROVED",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "TEMPLATE_MISMATCH",
    "FailedOperation.TemplateUnapprovedOrNotExist": "TEMPLATE_UNAPPROVED",
    "FailedOperation.ContainSensitiveWord": "SENSITIVE_WORD",
    "FailedOperation.MarketingSendTimeConstraint": "NIGHT_BLOCKED",
    "InvalidParameterValue.IncorrectPhoneNumber": "NUMBER_INVALID",
    "InvalidParameterValue.ContentLengthLimit": "CONTENT_TOO_LONG",
    "InvalidParameterValue.TemplateParameterLengthLimit": "CONTENT_TOO_LONG",
    "InvalidParameterValue.TemplateParameterFormatError": "TEMPLATE_MISMATCH",
    "LimitExceeded.PhoneNumberThirtySecondLimit": "REPEATED",
    "LimitExceeded.PhoneNumberSameContentDailyLimit": "REPEATED",
    "LimitExceeded.PhoneNumberDailyLimit": "DAY_LIMIT",
    "LimitExceeded.PhoneNumberOneHourLimit": "DAY_LIMIT",
    "LimitExceeded.DeliveryFrequencyLimit": "DAY_LIMIT",
}
ACCOUNT = frozenset(
    {
        "AuthFailure.SecretIdNotFound",
        "AuthFailure.SignatureExpire",
        "AuthFailure.SignatureFailure",
        "AuthFailure.UnauthorizedOperation",
        "FailedOperation.InsufficientBalanceInSmsPackage",
        "LimitExceeded.AppDailyLimit",
        "LimitExceeded.AppMainlandChinaPhoneNumberDailyLimit",
        "RequestLimitExceeded",
        "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
    }
)


def send(message: Outgoing) -> Outcome:
    """One message, one request. Never raises for a bad answer."""
    return vendor_calls.sent(message, approved=approved, hand_over=lambda code: _handed_over(message, code))


def _handed_over(message: Outgoing, template: str) -> Outcome:
    asked = {
        "PhoneNumberSet": [message.to],
        "SmsSdkAppId": settings.TENCENT_SMS_APP_ID,
        "TemplateId": template,
        "SignName": vendor_calls.signature_of(message.text),
        "TemplateParamSet": [value for _, value in message.values],
        "SessionContext": message.key,
    }
    answer = _call("SendSms", asked)
    statuses = answer.get("SendStatusSet")
    status = statuses[0] if isinstance(statuses, list) and len(statuses) == 1 else None
    error = answer.get("Error") if status is None else status
    if not isinstance(error, dict) or (status is not None and status.get("SessionContext") != message.key):
        return Outcome(message.key, "unknown", code="MALFORMED")
    word, serial = str(error.get("Code")), error.get("SerialNo")
    if word == "Ok" and isinstance(serial, str) and serial:
        return Outcome(message.key, "accepted", f"tencent:{serial}", "OK")
    return vendor_calls.refused(message.key, word, str(error.get("Message") or ""), ours=OURS, account=ACCOUNT)


def ask(key: str, *, to: str, since: datetime, at: datetime) -> Outcome | None:
    """What the receipts of that number say of it; `unknown` while there is none. Never None: it cannot tell."""
    return vendor_calls.told(key, lambda: _looked_up(key, to, since))


def _looked_up(key: str, to: str, since: datetime) -> Outcome:
    asked = {
        "SmsSdkAppId": settings.TENCENT_SMS_APP_ID,
        "PhoneNumber": to,
        "BeginTime": int((since - timedelta(minutes=5)).timestamp()),
        "Offset": 0,
        "Limit": PAGE,
    }
    answer = _call("PullSmsSendStatusByPhoneNumber", asked)
    rows = answer.get("PullSmsSendStatusSet")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("SessionContext") == key:
            if row.get("ReportStatus") == "SUCCESS":
                return Outcome(key, "accepted", f"tencent:{row.get('SerialNo')}", "OK")
            return Outcome(key, "refused", code=str(row.get("Description") or "FAIL")[:60])
    return Outcome(key, "unknown", code="NO_RECEIPT")


def submit_template(*, name: str, kind: str, text: str) -> Review:
    """Hand a text in for review. Raises Unanswered."""
    asked = {
        "TemplateName": name[:30],
        "TemplateContent": text,
        "SmsType": KINDS[kind],
        "International": 0,
        "Remark": name,
    }
    answer = _call("AddSmsTemplate", asked)
    added = answer.get("AddTemplateStatus")
    if not isinstance(added, dict):
        error = answer.get("Error") or {}
        return Review("refused", reason=f"{error.get('Code')} {error.get('Message')}"[:200])
    return Review("pending", code=str(added.get("TemplateId")))


def review_of(code: str) -> Review:
    """How the review of a template stands. Raises Unanswered."""
    answer = _call("DescribeSmsTemplateList", {"TemplateIdSet": [int(code)], "International": 0})
    rows = answer.get("DescribeTemplateStatusSet")
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    return Review(
        STATES.get(row.get("StatusCode", 1), "pending"), code=code, reason=str(row.get("ReviewReply") or "")[:200]
    )


def receipts(rows: list[Any]) -> Iterator[Receipt]:
    """Its status reports by callback; `ext` is the SessionContext."""
    for row in rows:
        if (
            isinstance(row, dict)
            and row.get("report_status") in {"SUCCESS", "FAIL"}
            and isinstance(row.get("ext"), str)
        ):
            is_delivered = row["report_status"] == "SUCCESS"
            code = "" if is_delivered else str(row.get("errmsg") or "FAIL")[:30]
            source = f"tencent:{row.get('sid')}"
            yield Receipt(row["ext"], is_delivered, code, source, vendor_calls.shop_time(row.get("user_receive_time")))


def answers(rows: list[Any]) -> Iterator[Answered]:
    """Replies by callback: it names the number, not our message."""
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("text"), str) and row.get("mobile"):
            source = f"tencent:{row.get('nationcode')}:{row.get('mobile')}:{row.get('time')}"
            yield Answered(phone=f"+{row.get('nationcode') or 86}{row['mobile']}", text=row["text"], source=source)


def placeholder(_name: str, place: int) -> str:
    return f"{{{place}}}"


def acknowledged() -> dict[str, Any]:
    return {"result": 0, "errmsg": "OK"}


def _call(action: str, asked: Mapping[str, Any]) -> dict:
    """One signed call; what stands under `Response`. Raises Unanswered."""
    url, moment = settings.TENCENT_SMS_URL, clock.now()
    body = json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace")
    signed = {
        "content-type": "application/json; charset=utf-8",
        "host": vendor_calls.host(url),
        "x-tc-action": action,
    }
    authorization = signing.tc3(
        key_id=settings.TENCENT_SMS_SECRET_ID, secret=settings.TENCENT_SMS_SECRET_KEY,
        service="sms", headers=signed, body=body, moment=moment,
    )  # fmt: skip
    headers = signed | {
        "Authorization": authorization,
        "X-TC-Timestamp": str(int(moment.timestamp())),
        "X-TC-Version": VERSION,
        "X-TC-Region": settings.TENCENT_SMS_REGION,
    }
    _status, answer = vendor_calls.exchange(url, target="/", body=body, headers=headers, breaker=breaker)
    inside = answer.get("Response")
    if not isinstance(inside, dict):
        raise Unanswered("unknown", "MALFORMED")
    return inside
