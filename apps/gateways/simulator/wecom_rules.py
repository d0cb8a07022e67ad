"""What WeCom accepts and refuses: figures, words, and the signed envelope of its callbacks, written apart from the client's code.

After the vendor's pages for customer contact (path 92109 ff.), their limits (90454) and the callback format (91144). Marked [M]: from
memory, to be confirmed. Times in milliseconds.
"""

import base64
import os
import struct
from hashlib import sha1

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
TOKEN_LIVES = 7_200 * SECOND
OVERLAP = 5 * MINUTE

CORP = "ww5170000000000001"
SECRET = "simulator-only-secret"  # noqa: S105 - opens nothing but this simulator
AGENT = 1_000_002  # the company's own app
CALLBACK_TOKEN = "simulatorToken"  # noqa: S105
CALLBACK_KEY = "c2ltdWxhdG9yLW9ubHkta2V5LTMyLWJ5dGVzLWxvbmc"  # the 43 characters of a back office

LIMITS = {
    "per_minute": 10_000,  # calls of one API
    "per_hour": 150_000,
    "ip_per_minute": 20_000,
    "ip_per_hour": 600_000,
    "ways": 500_000,
    "way_users": 100,
    "corp_tags": 3_000,
    "tags_of_a_customer": 3_000,
    "welcome_ms": 20 * SECOND,
    "sends_per_month": 31,  # never more than the month has days
    "sends_per_week": 0,  # 0: the month counts; the company may choose 7 a week or 1 a day instead
    "sends_per_day": 0,
    "reminders_per_day": 3,
    "group_size": 200,
    "way_chats": 5,
    "chat_delay_ms": 0,  # how long groupchat/get lags behind its event
    "kf_window_ms": 48 * HOUR,  # for answers in the service window
    "kf_answers": 5,  # to one word of the customer
    "kf_blind_per_minute": 6,  # sync_msg without a callback's token; the vendor says "strictly limited" [M]
    "figures_days": 180,  # how far back the statistics of staff and groups go
    "friends": 20_000,  # customers of one member of staff [M]
    "hand_overs_per_day": 0,  # 0: any number; the vendor's page names a limit for staff who have not left [M]
}

WORDS = {
    -1: "system busy", 40001: "invalid credential", 40003: "invalid userid", 40014: "invalid access_token",
    40058: "invalid parameter", 40068: "invalid tagid", 40096: "invalid external userid", 40013: "invalid corpid",
    41004: "appsecret missing", 41037: "missing contact way type", 41040: "invalid contact way scene",
    41041: "invalid contact way user count", 41042: "missing contact way config", 41044: "contact way limit",
    41048: "invalid chat type", 41050: "welcome code invalid or expired", 41051: "externaluser has started chatting",
    41063: "send task already settled", 41096: "another app is sending the welcome", 42001: "access_token expired",
    43002: "require POST method", 44001: "empty media data", 44002: "empty post data",
    45009: "api freq out of limit", 45033: "api concurrent out of limit",
    45035: "reminders of today are used up", 47001: "data format error", 84061: "not external contact",
    90500: "no group is normal", 90501: "chat id is not an externalcontact chat", 40129: "customer is being handed over",
    40007: "invalid media_id", 40008: "invalid message type", 95001: "send kf msg count limit", 95002: "send kf msg time limit",
    95004: "open kfid not exist", 95007: "invalid msg token", 95018: "session status not allowed",
    40031: "invalid userid list", 40056: "invalid agentid", 44004: "empty content", 82001: "no receiver",
    40100: "user not resigned", 41061: "no permission on the customer", 81013: "no user",
}  # fmt: skip


class Refused(Exception):
    """The platform's error code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def envelope(plain: str, *, timestamp: int, nonce: str, is_forged: bool = False) -> tuple[dict[str, str], str]:
    """(query, body) of a callback as the vendor would post it; a forged one is signed with another token."""
    encrypted = _enciphered(plain.encode())
    body = (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[]]></AgentID>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    token = "forged" if is_forged else CALLBACK_TOKEN
    words = sorted([token, str(timestamp), nonce, encrypted])
    signed = sha1("".join(words).encode()).hexdigest()  # noqa: S324 - the vendor's choice
    return {"msg_signature": signed, "timestamp": str(timestamp), "nonce": nonce}, body


def echostr(plain: str, *, timestamp: int, nonce: str) -> dict[str, str]:
    """The query by which the vendor verifies an address."""
    encrypted = _enciphered(plain.encode())
    signed = sha1("".join(sorted([CALLBACK_TOKEN, str(timestamp), nonce, encrypted])).encode()).hexdigest()  # noqa: S324
    return {"msg_signature": signed, "timestamp": str(timestamp), "nonce": nonce, "echostr": encrypted}


def _enciphered(message: bytes) -> str:
    key = base64.b64decode(CALLBACK_KEY + "=")
    padder = padding.PKCS7(256).padder()
    whole = os.urandom(16) + struct.pack("!I", len(message)) + message + CORP.encode()
    padded = padder.update(whole) + padder.finalize()
    machine = Cipher(AES256(key), CBC(key[:16])).encryptor()
    return base64.b64encode(machine.update(padded) + machine.finalize()).decode()


def event_xml(fields: dict[str, str | int]) -> str:
    """The plain XML: numbers bare, texts as CDATA."""
    inner = "".join(
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>"
        for name, value in fields.items()
    )
    return f"<xml>{inner}</xml>"
