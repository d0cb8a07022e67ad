"""Rules for passwords of staff that the framework has no Chinese words for."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import ngettext


class LongEnough(MinimumLengthValidator):
    def get_error_message(self) -> str:
        count = self.min_length
        return ngettext("It needs at least %(n)d character.", "It needs at least %(n)d characters.", count) % {
            "n": count
        }
