"""One-time codes: six digits, five tries, five minutes, used once, good for one request and one purpose only.

At rest there is a keyed hash of the code; whoever asks must show the request's key with it, so that guessing for one request
neither helps with another nor locks it.
"""

import secrets
import time
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog
from django.db import transaction

from apps.core import ciphers, clock
from apps.core.errors import DomainError
from apps.gateways import sandbox, sms
from apps.gateways.messages import Kind, Outcome, Outgoing
from apps.members import guard, phones
from apps.members.errors import CodeNotSent, CodeSpent, CodeWrong
from apps.members.proofs import TRIES, CodeRequest, KnownDevice

log = structlog.get_logger("siyu.codes")
LIFE = timedelta(minutes=5)
EVEN_SECONDS = 0.8  # every answer takes so long while an alarm is open, so that its time does not tell who is held back
DIGITS = 6
TEXTS = {
    CodeRequest.Purpose.LOGIN: "登录验证码：{code}，5分钟内有效，请勿告诉他人。",
    CodeRequest.Purpose.STEP_UP: "您正在进行安全验证，验证码：{code}，5分钟内有效，请勿告诉他人。",
    CodeRequest.Purpose.CHANGE_PHONE: "您正在更换手机号，验证码：{code}，5分钟内有效，请勿告诉他人。",
    CodeRequest.Purpose.GUARDIAN: "您的孩子未满14周岁，正在请您同意其会员服务。验证码：{code}，"
    "5分钟内有效；输入即表示同意，不同意请忽略。",
}
# Read out, twice, for whom no message reaches; the digits one by one.
CALLS = {
    CodeRequest.Purpose.LOGIN: "您的登录验证码是：{code}。再说一遍：{code}。请勿告诉他人。",
    CodeRequest.Purpose.STEP_UP: "您正在进行安全验证，验证码是：{code}。再说一遍：{code}。请勿告诉他人。",
    CodeRequest.Purpose.CHANGE_PHONE: "您正在更换手机号，验证码是：{code}。再说一遍：{code}。请勿告诉他人。",
    CodeRequest.Purpose.GUARDIAN: "您的孩子未满十四周岁，正在请您同意其会员服务，输入验证码即表示同意。"
    "验证码是：{code}。再说一遍：{code}。不同意请直接挂断。",
}
# What a provider says of one number. Told to nobody: only members can be on our opt-out list.
ABOUT_THE_NUMBER = frozenset({"NUMBER_INVALID", "BLACKLIST", "REPEATED", "DAY_LIMIT", "OTP_LIMIT"})
_PHONE = "code:phone"


@dataclass(frozen=True)
class CodeSent:
    """The same for every phone. Seconds until one more may be asked for, and until this one is too old."""

    request_id: str
    resend_after: int
    expires_in: int


class Verdict(NamedTuple):
    """Either the phone (E.164) that is proved now, or why not: raise it after the commit, for the try must stay counted."""

    phone: str
    refusal: DomainError | None = None


def request(*, phone: str, network: str, purpose: str, device: str) -> CodeSent:
    """Decide, store, then send with no transaction open. Raises PhoneInvalid, PhoneNotServed, TooManyCodes, CodeNotSent."""
    number = phones.normal(phone)
    guard.check_served(number)
    return _ask(number=number, network=network, purpose=purpose, device=device, is_call=False)


def call(*, request_id: str, network: str, device: str) -> CodeSent:
    """Have a new code read out by a call to the phone of an earlier ask that is neither used nor too old.

    It counts as a message does, under the same limits and the same guard, so the first call comes after `resend_after`.
    Raises CodeSpent, TooManyCodes, CodeNotSent.
    """
    asked = CodeRequest.objects.filter(
        key=request_id, used_at=None, expires_at__gt=clock.now(), sealed__isnull=False
    ).first()
    if asked is None:
        raise CodeSpent
    return _ask(number=_open(asked), network=network, purpose=asked.purpose, device=device, is_call=True)


def _ask(*, number: str, network: str, purpose: str, device: str, is_call: bool) -> CodeSent:
    code = sandbox.CODE if sandbox.is_magic(number) else f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    begun = time.monotonic()
    with transaction.atomic(durable=True):
        asked, is_alarm = _store(number=number, code=code, purpose=purpose, network=network, device=device)
    try:
        _send(asked, number=number, code=code, is_call=is_call)
    finally:
        if is_alarm:
            time.sleep(max(0.0, EVEN_SECONDS - (time.monotonic() - begun)))
    return CodeSent(request_id=asked.key, resend_after=min(guard.PER_PHONE), expires_in=int(LIFE.total_seconds()))


def redeem(*, request_id: str, code: str, purpose: str) -> Verdict:
    """Count a try and compare, inside the caller's transaction; of two at once with the right code one gets it."""
    moment = clock.now()
    asked = CodeRequest.objects.select_for_update().filter(key=request_id, purpose=purpose).first()
    if asked is None or asked.used_at or asked.tries >= TRIES or asked.expires_at <= moment or asked.sealed is None:
        return Verdict("", CodeSpent())
    typed = "".join(unicodedata.normalize("NFKC", code[:40]).split())
    if not secrets.compare_digest(bytes(asked.code_digest), _digest(asked.key, typed)):
        asked.tries += 1
        asked.save(update_fields=["tries"])
        left = TRIES - asked.tries
        return Verdict("", CodeWrong(tries_left=left) if left else CodeSpent())
    phone = _open(asked)
    asked.used_at, asked.sealed, asked.wrapped = moment, None, None
    asked.save(update_fields=["used_at", "sealed", "wrapped"])
    if asked.device_digest is not None:
        KnownDevice.objects.update_or_create(
            phone_digest=asked.phone_digest, device_digest=asked.device_digest, defaults={"at": moment}
        )
    return Verdict(phone)


def forget_phones() -> int:
    """Drop the sealed phones of codes that are too old to be used. Returns how many."""
    late = CodeRequest.objects.filter(expires_at__lte=clock.now(), sealed__isnull=False)
    return late.update(sealed=None, wrapped=None)


def _store(*, number: str, code: str, purpose: str, network: str, device: str) -> tuple[CodeRequest, bool]:
    """The stored ask, and whether an alarm is open."""
    moment = clock.now()
    where = guard.places(phone=number, network=network, device=device)
    decision = guard.decide(where, moment=moment)
    key = "otp_" + secrets.token_urlsafe(18)
    wrapped = ciphers.new_person_key()
    asked = CodeRequest.objects.create(
        key=key,
        purpose=CodeRequest.Purpose(purpose),
        state=decision.state,
        phone_digest=where.phone,
        network_digest=where.network,
        device_digest=where.device,
        is_newcomer=decision.is_newcomer,
        is_at_home=decision.is_at_home,
        code_digest=_digest(key, code) if decision.state != CodeRequest.State.HELD else secrets.token_bytes(32),
        wrapped=wrapped,
        sealed=ciphers.encrypt(person_key=ciphers.unwrap(wrapped), text=number, context=_PHONE),
        created_at=moment,
        expires_at=moment + LIFE,
    )
    return asked, decision.is_alarm


def _send(asked: CodeRequest, *, number: str, code: str, is_call: bool) -> None:
    """A held one asks the provider a question instead, which costs nothing and fails when sending would. Raises CodeNotSent."""
    if asked.state == CodeRequest.State.HELD:
        answer = sms.query([_key(asked)]).get(_key(asked))
        if answer and answer.code.startswith(("NOT_REACHED", "CIRCUIT_OPEN")):
            raise CodeNotSent
        return
    words = (CALLS if is_call else TEXTS)[CodeRequest.Purpose(asked.purpose)]
    kind: Kind = "voice" if is_call else "transactional"
    text = sms.compose(words.format(code="，".join(code) if is_call else code), kind=kind)
    message = Outgoing(
        _key(asked), number, text, kind, f"{'call' if is_call else 'code'}_{asked.purpose}", (("code", code),)
    )
    [outcome] = sms.send_batch([message])
    if outcome.code in {"TEMPLATE_UNAPPROVED", "SIGNATURE_UNAPPROVED"}:
        sms.register(name=message.template, kind="voice" if is_call else "otp", text=words)
        [outcome] = sms.send_batch([message])
    _record(asked, outcome)


def _record(asked: CodeRequest, outcome: Outcome) -> None:
    """Sent, perhaps sent and refused for the number's own sake look alike from outside. Raises CodeNotSent for the rest."""
    if outcome.state in {"accepted", "unknown"}:
        return
    log.warning("code not sent", request=asked.pk, code=outcome.code)
    if outcome.code in ABOUT_THE_NUMBER:
        return
    CodeRequest.objects.filter(pk=asked.pk).update(state=CodeRequest.State.FAILED)
    raise CodeNotSent


def _key(asked: CodeRequest) -> str:
    return f"code:{asked.pk}"


def _digest(key: str, code: str) -> bytes:
    return ciphers.blind_index(kind="code", value=f"{key}:{code}")


def _open(asked: CodeRequest) -> str:
    key = ciphers.unwrap(bytes(asked.wrapped or b""))
    return ciphers.decrypt(person_key=key, blob=bytes(asked.sealed or b""), context=_PHONE)
