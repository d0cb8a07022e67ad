"""Phone numbers: one normal form (E.164), and what people may see of it."""

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberType

from apps.members.errors import PhoneInvalid

HOME_REGION = "CN"
TAIL = 4  # last digits by which staff search
_CHINESE_MOBILE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
_SPACING = re.compile(r"[\s\-().\u00ad\u200b-\u200f\u202a-\u202e\ufeff]+")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def normal(raw: str) -> str:
    """`+8613812341234` for any common way of writing a mobile number, Chinese unless it says otherwise. Raises PhoneInvalid."""
    text = _SPACING.sub("", unicodedata.normalize("NFKC", raw[:60]))
    if chinese := _CHINESE_MOBILE.fullmatch(text):
        return "+86" + chinese[1]
    try:
        number = phonenumbers.parse(text, HOME_REGION)
    except phonenumbers.NumberParseException:
        raise PhoneInvalid from None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _MOBILE:
        raise PhoneInvalid
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked(phone: str) -> str:
    """`138****1234`; foreign numbers keep their country code and last four digits. Empty stays empty."""
    national = phone.removeprefix("+86")
    if not national.startswith("+"):
        return f"{national[:3]}****{national[-TAIL:]}" if len(national) > 3 + TAIL else "*" * len(national)
    return f"{national[:3]}****{national[-TAIL:]}"
