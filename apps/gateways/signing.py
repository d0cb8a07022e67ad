"""Request signatures of the two SMS vendors, after their published pages; both give the pages' own sample signatures.

Aliyun: ACS3-HMAC-SHA256 ("V3 request structure and signature"). Tencent Cloud: TC3-HMAC-SHA256.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

_ACS3 = "ACS3-HMAC-SHA256"
_TC3 = "TC3-HMAC-SHA256"


def canonical_query(query: Mapping[str, str]) -> str:
    """Names and values as RFC 3986 has them, in the order of the names: signed so, and sent so."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def acs3(*, key_id: str, secret: str, query: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """The Authorization header of `POST /?query`. `headers`: all that are signed, in small letters, without the body's sum."""
    signed = dict(headers) | {"x-acs-content-sha256": hashlib.sha256(body).hexdigest()}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{signed['x-acs-content-sha256']}"
    signature = _hmac(secret.encode(), f"{_ACS3}\n{_sum(canonical)}").hex()
    return f"{_ACS3} Credential={key_id},SignedHeaders={names},Signature={signature}"


def tc3(*, key_id: str, secret: str, service: str, headers: Mapping[str, str], body: bytes, moment: datetime) -> str:
    """The Authorization header of `POST /` with a JSON body. `headers`: those that are signed, in small letters."""
    day = moment.astimezone(UTC).strftime("%Y-%m-%d")
    scope, names = f"{day}/{service}/tc3_request", ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in sorted(headers))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = _hmac(key, part)
    signature = _hmac(key, f"{_TC3}\n{int(moment.timestamp())}\n{scope}\n{_sum(canonical)}").hex()
    return f"{_TC3} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
