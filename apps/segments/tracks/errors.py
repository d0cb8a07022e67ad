from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError


class TrackKeyTaken(DomainError):
    code = "track_key_taken"
    title = _("Another life track has this key already.")


class TooManyPlaces(DomainError):
    code = "too_many_places"
    title = _("A member stands at most %(most)s times on one life track.")


class PlacedAlready(DomainError):
    code = "placed_already"
    title = _("The member stands on this life track with this date already.")


class NoPlaceForChildren(DomainError):
    code = "no_place_for_children"
    title = _("The member is under 14 and no guardian has agreed: nothing of the kind is kept.")
