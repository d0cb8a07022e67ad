"""How Aliyun and Tencent Cloud check a signature, after their pages and independently of our own signer: from the raw request.

Pure functions; what is refused is a code of the vendor. Times in milliseconds.
"""

import hashlib
import hmac
import re
import time
from calendar import timegm
from typing import NamedTuple

ALIYUN_KEYS = {"simulator-key": "simulator-only-secret"}
TENCENT_KEYS = {"simulator-id": "simulator-only-secret"}
TENCENT_APP = "1400000001"
ALIYUN_SKEW, TENCENT_SKEW = 15 * 60_000, 5 * 60_000
VARIABLE_LENGTH = 35  # characters of one value

# Our platform's codes (`rules.py`) in each vendor's words. Aliyun takes a number that has opted out, and tells by receipt.
ALIYUN_CODES = {
    "OK": ("OK", "OK"),
    "NUMBER_INVALID": ("isv.MOBILE_NUMBER_ILLEGAL", "the number is not a mobile number"),
    "SIGNATURE_UNAPPROVED": ("isv.SMS_SIGNATURE_ILLEGAL", "the signature is not approved"),
    "TEMPLATE_UNAPPROVED": ("isv.SMS_TEMPLATE_ILLEGAL", "the template is not approved"),
    "TEMPLATE_MISMATCH": ("isv.INVALID_PARAMETERS", "the values do not fit"),
    "CONTENT_TOO_LONG": ("isv.PARAM_LENGTH_LIMIT", "a value is too long"),
    "SENSITIVE_WORD": ("isv.BLACK_KEY_CONTROL_LIMIT", "a blocked word"),
    "REPEATED": ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"),
    "DAY_LIMIT": ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:50"),
    "OTP_LIMIT": ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10"),
    "NIGHT_BLOCKED": ("OK", "OK"),
    "BLACKLIST": ("OK", "OK"),
}
ALIYUN_RECEIPTS = {"BLACKLIST": "MOBILE_IN_BLACK", "NIGHT_BLOCKED": "SENDING_TIME_LIMIT"}
TENCENT_CODES = {
    "OK": ("Ok", "send success"),
    "NUMBER_INVALID": ("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number"),
    "SIGNATURE_UNAPPROVED": ("FailedOperation.SignatureIncorrectOrUnapproved", "signature"),
    "TEMPLATE_UNAPPROVED": ("FailedOperation.TemplateIncorrectOrUnapproved", "template"),
    "TEMPLATE_MISMATCH": ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "params"),
    "CONTENT_TOO_LONG": ("InvalidParameterValue.TemplateParameterLengthLimit", "too long"),
    "SENSITIVE_WORD": ("FailedOperation.ContainSensitiveWord", "contain sensitive word"),
    "NIGHT_BLOCKED": ("FailedOperation.MarketingSendTimeConstraint", "marketing time"),
    "REPEATED": ("LimitExceeded.PhoneNumberThirtySecondLimit", "30 seconds"),
    "DAY_LIMIT": ("LimitExceeded.PhoneNumberDailyLimit", "daily limit"),
    "OTP_LIMIT": ("LimitExceeded.PhoneNumberDailyLimit", "daily limit"),
    "BLACKLIST": ("FailedOperation.PhoneNumberInBlacklist", "phone number in blacklist"),
}
_ACS = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")
_TC = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/([a-z]+)/tc3_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)
_ACS_SIGNED = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


class Wrong(Exception):
    """The vendor's code and words; `status` is Aliyun's HTTP status."""

    def __init__(self, code: str, words: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.words, self.status = code, words or code, status


class Signed(NamedTuple):
    """What a good signature vouches for."""

    key_id: str
    nonce: str


def check_aliyun(*, method: str, query: str, headers: dict[str, str], body: bytes, now: int) -> Signed:
    """Raises Wrong. The query is taken as it came: decoded, sorted and written anew."""
    found = _ACS.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Wrong("MissingParameter", "Authorization")
    key_id, names, given = found.groups()
    if key_id not in ALIYUN_KEYS:
        raise Wrong("InvalidAccessKeyId.NotFound", status=404)
    listed = names.split(";")
    if listed != sorted(listed) or not set(listed) >= _ACS_SIGNED or any(name not in headers for name in listed):
        raise Wrong("SignatureDoesNotMatch", "signed headers")
    if headers["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
        raise Wrong("SignatureDoesNotMatch", "content sum")
    try:
        at = timegm(time.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")) * 1000
    except ValueError:
        raise Wrong("InvalidTimeStamp.Format") from None
    if abs(now - at) > ALIYUN_SKEW:
        raise Wrong("InvalidTimeStamp.Expired")
    pairs = sorted(_decoded(part) for part in query.split("&") if part)
    request = [method, "/", "&".join(f"{_escaped(n)}={_escaped(v)}" for n, v in pairs)]
    request += [f"{name}:{headers[name]}" for name in listed]
    request += ["", names, headers["x-acs-content-sha256"]]
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256("\n".join(request).encode()).hexdigest()
    wanted = hmac.new(ALIYUN_KEYS[key_id].encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, given):
        raise Wrong("SignatureDoesNotMatch")
    return Signed(key_id, headers["x-acs-signature-nonce"])


def check_tencent(*, method: str, headers: dict[str, str], body: bytes, now: int) -> Signed:
    """Raises Wrong."""
    found = _TC.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Wrong("AuthFailure.InvalidAuthorization")
    key_id, day, service, names, given = found.groups()
    if key_id not in TENCENT_KEYS:
        raise Wrong("AuthFailure.SecretIdNotFound")
    stamp = headers.get("x-tc-timestamp", "")
    if not stamp.isdecimal() or abs(now - int(stamp) * 1000) > TENCENT_SKEW:
        raise Wrong("AuthFailure.SignatureExpire")
    listed = names.split(";")
    if service != "sms" or not {"content-type", "host"} <= set(listed) or any(name not in headers for name in listed):
        raise Wrong("AuthFailure.SignatureFailure")
    if day != time.strftime("%Y-%m-%d", time.gmtime(int(stamp))):
        raise Wrong("AuthFailure.SignatureFailure", "day")
    block = "".join(name + ":" + headers[name].lower() + "\n" for name in listed)
    request = "\n".join((method, "/", "", block, names, hashlib.sha256(body).hexdigest()))
    text = "\n".join(
        ("TC3-HMAC-SHA256", stamp, f"{day}/{service}/tc3_request", hashlib.sha256(request.encode()).hexdigest())
    )
    secret = b"TC3" + TENCENT_KEYS[key_id].encode()
    for part in (day, service, "tc3_request", text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(secret.hex(), given):
        raise Wrong("AuthFailure.SignatureFailure")
    return Signed(key_id, "")


def parameters(query: str) -> dict[str, str]:
    return dict(_decoded(part) for part in query.split("&") if part)


def _decoded(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return _plain(name), _plain(value)


def _plain(text: str) -> str:
    raw, at = bytearray(), 0
    while at < len(text):
        if text[at] == "%":
            raw.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            raw += text[at].encode()
            at += 1
    return raw.decode("utf-8", "replace")


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())
