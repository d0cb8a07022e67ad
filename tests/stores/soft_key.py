"""A security key in software: makes one credential and signs challenges with it, as a browser would pass them on."""

import json
import secrets
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

PRESENT_AND_VERIFIED, HAS_CREDENTIAL = 0x05, 0x40


class SoftKey:
    """`origin` is the page that asks; a key answers any page, it is the server that must look."""

    def __init__(self, *, origin: str = "http://localhost", rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.credential_id = secrets.token_bytes(32)
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._uses = 0

    def create(self, options: dict) -> dict:
        public = cbor.encode(ES256.from_cryptography_key(self._private.public_key()))
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + public
        spoken = self._data(PRESENT_AND_VERIFIED | HAS_CREDENTIAL) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": spoken})
        said = self._client_data("webauthn.create", options)
        return self._answer({"clientDataJSON": websafe_encode(said), "attestationObject": websafe_encode(attestation)})

    def get(self, options: dict) -> dict:
        said, spoken = self._client_data("webauthn.get", options), self._data(PRESENT_AND_VERIFIED)
        signature = self._private.sign(spoken + sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": said, "authenticatorData": spoken, "signature": signature}
        return self._answer({name: websafe_encode(part) for name, part in parts.items()})

    def _answer(self, response: dict) -> dict:
        name = websafe_encode(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _client_data(self, kind: str, options: dict) -> bytes:
        challenge = options["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        self._uses += 1
        return sha256(self.rp_id.encode()).digest() + bytes([flags]) + self._uses.to_bytes(4, "big")
