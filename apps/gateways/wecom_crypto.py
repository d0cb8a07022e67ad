"""WeCom's envelope around callbacks: a SHA-1 over four sorted words, and AES-256-CBC with the vendor's own padding."""

import base64
import binascii
import hashlib
import struct
from secrets import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # the vendor pads to 32 bytes, not to AES's 16


class EnvelopeRefused(Exception):
    """`code` is the vendor's own: -40001 signature, -40005 another company, -40007 not decipherable, -40008 no message."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def signature(*, token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """What `msg_signature` must be. SHA-1 is the vendor's choice."""
    return hashlib.sha1("".join(sorted([token, timestamp, nonce, encrypted])).encode()).hexdigest()  # noqa: S324


def opened(*, token: str, key: str, corp_id: str, given: str, timestamp: str, nonce: str, encrypted: str) -> bytes:
    """The plain message of a signed envelope. `key` is the 43 characters of the back office. Raises EnvelopeRefused."""
    wanted = signature(token=token, timestamp=timestamp, nonce=nonce, encrypted=encrypted)
    if not compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise EnvelopeRefused(-40001)
    try:
        secret = base64.b64decode(key + "=", validate=True)
        blob = base64.b64decode(encrypted, validate=True)
        padded = _deciphered(secret, blob)
    except (ValueError, binascii.Error) as trouble:
        raise EnvelopeRefused(-40007) from trouble
    pad = padded[-1] if padded else 0
    if not 1 <= pad <= BLOCK or len(padded) < 20 + pad or padded[-pad:] != bytes([pad]) * pad:
        raise EnvelopeRefused(-40007)
    plain = padded[:-pad]
    (size,) = struct.unpack(">I", plain[16:20])
    message, receiver = plain[20 : 20 + size], plain[20 + size :]
    if len(message) != size:
        raise EnvelopeRefused(-40008)
    if not compare_digest(receiver, corp_id.encode()):
        raise EnvelopeRefused(-40005)
    return message


def _deciphered(secret: bytes, blob: bytes) -> bytes:
    machine = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).decryptor()
    return machine.update(blob) + machine.finalize()
