"""What can be wrong with a rule, with its words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class BadRule(ValueError):
    """`pointer` says where (RFC 6901), `code` what is wrong."""

    def __init__(self, pointer: str, code: str) -> None:
        super().__init__(code)
        self.pointer, self.code = pointer, code

    @property
    def text(self) -> Promise:
        return TEXTS[self.code]


TEXTS: dict[str, Promise] = {
    "too_large": _("This rule has too many parts."),
    "not_an_object": _("A group of fields is expected here."),
    "not_a_list": _("A list that is not empty is expected."),
    "unknown_shape": _("A rule has a field, an operator and a value, or is made of other rules."),
    "unknown_field": _("This field is not known."),
    "unknown_op": _("This comparison does not fit the field."),
    "unknown_value": _("This value is not known."),
    "unknown_attribute": _("This member attribute is not known."),
    "unknown_key": _("There is no such thing to ask about."),
    "unknown_segment": _("There is no such segment."),
    "unknown_part": _("This field cannot be narrowed in this way."),
    "key_of_attribute_only": _("This field does not go with a key, or needs one."),
    "circle": _("This segment would ask about itself."),
    "not_a_number": _("A number within its limits is expected."),
    "not_two_numbers": _("Two numbers are expected."),
    "out_of_order": _("The second number must not be below the first."),
    "not_yes_or_no": _("Yes or no is expected."),
    "not_a_date": _("This day or moment does not exist."),
    "not_a_window": _("A stretch of time is expected."),
    "ends_before_start": _("The end must come after the beginning."),
}
