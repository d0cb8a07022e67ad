"""AES-GCM with named keys, one data key per person, and a blind index for look-ups.

A person's data key is wrapped by a key of `settings.FIELD_KEYS`. Destroying the wrapped key makes every value of that person
unreadable, wherever it was copied without that key; a whole backup made before holds both, so a restore ends with
`replay_erasures`. Layout of every blob: 1 byte length of the key id, the key id, 12 bytes nonce, cipher text with tag.
"""

import hmac
import os
from base64 import b64decode, b64encode
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from apps.core.errors import BadCipher

_PERSON = "p"  # key id of values sealed with a person's own key


def new_person_key() -> bytes:
    """A fresh data key, wrapped by the newest field key, ready to store."""
    key_id, field_key = next(iter(settings.FIELD_KEYS.items()))
    return _seal(key=field_key, key_id=key_id, plain=os.urandom(32), context="person-key")


def unwrap(wrapped: bytes) -> bytes:
    """The data key inside a stored wrap. Raises BadCipher when its field key is gone."""
    head, nonce, body = _split(wrapped)
    key_id = head.decode(errors="replace")
    field_key = settings.FIELD_KEYS.get(key_id)
    if field_key is None:
        raise BadCipher(key_id=key_id)
    return _open(_field_cipher(field_key), nonce, body, b"person-key")


def rewrap(wrapped: bytes) -> bytes:
    """The same data key under the newest field key (key rotation; values stay as they are)."""
    key_id, field_key = next(iter(settings.FIELD_KEYS.items()))
    return _seal(key=field_key, key_id=key_id, plain=unwrap(wrapped), context="person-key")


def key_id(blob: bytes) -> str:
    """Which named key sealed it."""
    return _split(blob)[0].decode(errors="replace")


def encrypt(*, person_key: bytes, text: str, context: str) -> bytes:
    """Seal a value with an unwrapped person key. `context` names the field: a value moved elsewhere does not open."""
    return encrypt_bytes(person_key=person_key, plain=text.encode(), context=context)


def encrypt_bytes(*, person_key: bytes, plain: bytes, context: str) -> bytes:
    """The same for a file's content."""
    return _seal(key=person_key, key_id=_PERSON, plain=plain, context=context)


def decrypt(*, person_key: bytes, blob: bytes, context: str) -> str:
    return decrypt_bytes(person_key=person_key, blob=blob, context=context).decode()


def decrypt_bytes(*, person_key: bytes, blob: bytes, context: str) -> bytes:
    """Raises BadCipher for another key or another context."""
    _, nonce, body = _split(blob)
    return _open(AESGCM(person_key), nonce, body, context.encode())


def seal_text(text: str, *, context: str) -> str:
    """A text that belongs to no member, under a key of its own, which the newest field key wraps."""
    wrapped = new_person_key()
    sealed = encrypt(person_key=unwrap(wrapped), text=text, context=context)
    return f"{b64encode(wrapped).decode()}.{b64encode(sealed).decode()}"


def open_text(text: str, *, context: str) -> str:
    """Raises BadCipher for what `seal_text` did not make, or made for another context."""
    try:
        wrapped, sealed = (b64decode(part) for part in text.split("."))
    except ValueError:
        raise BadCipher(key_id="") from None
    return decrypt(person_key=unwrap(wrapped), blob=sealed, context=context)


def blind_index(*, kind: str, value: str) -> bytes:
    """32 bytes, equal for equal values of a kind; tells nothing without INDEX_KEY."""
    return hmac.digest(settings.INDEX_KEY, f"{kind}:{value}".encode(), sha256)


def _seal(*, key: bytes, key_id: str, plain: bytes, context: str) -> bytes:
    nonce = os.urandom(12)
    head = key_id.encode()
    return bytes([len(head)]) + head + nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def _split(blob: bytes) -> tuple[bytes, bytes, bytes]:
    """Key id, nonce, body. Thousands a second go through here and `_open`: hence no more calls than these."""
    if type(blob) is not bytes:
        blob = bytes(blob)
    start = 1 + blob[0] if blob else 0
    if len(blob) < start + 28 or not start:  # a nonce of 12 bytes, a tag of 16
        raise BadCipher(key_id="")
    return blob[1:start], blob[start : start + 12], blob[start + 12 :]


def _open(cipher: AESGCM, nonce: bytes, body: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, body, context)
    except InvalidTag:
        raise BadCipher(key_id="") from None


@lru_cache(maxsize=4)
def _field_cipher(field_key: bytes) -> AESGCM:
    """Few keys open a thousand wraps each: made once."""
    return AESGCM(field_key)
