"""What the rules of bookings refuse."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class SlotFull(DomainError):
    code = "booking_full"
    title = _("This time is full. You can wait for a place, or choose another time.")


class NoSuchSlot(DomainError):
    """Not within the opening hours, closed, too soon or too far ahead."""

    code = "booking_no_such_slot"
    status = 422
    title = _("This time cannot be booked. Choose another one.")


class BookedAlready(DomainError):
    code = "booking_already"
    title = _("You have a booking at this time already.")


class PersonTaken(DomainError):
    code = "booking_person_taken"
    title = _("Whom you chose is taken then. Choose another time, or somebody else.")


class BookingSettled(DomainError):
    code = "booking_settled"
    title = _("This booking is over or cancelled. Nothing was changed.")


class TooLate(DomainError):
    code = "booking_too_late"
    title = _("It is too late for that. Call the store.")


class CapacityTooSmall(DomainError):
    code = "booking_capacity_too_small"
    title = _("More members have booked than that. The capacity stays.")
