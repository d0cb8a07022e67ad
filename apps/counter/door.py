"""Who passes the routes below /counter/: a browser that is a till (`till`), with somebody at it who may do this here.

Routes say the latter as `till:` and the permission.
"""

from django.http import HttpRequest, HttpResponse

from apps.core import problems, requests
from apps.core.errors import DomainError, Forbidden
from apps.flows.checkout import Desk
from apps.stores import pins, shifts, tills
from apps.stores.access import Access
from apps.stores.errors import TillLocked, TillUnknown


def decide(request: HttpRequest, need: str | None) -> HttpResponse | None:
    """The door of the namespace `counter`. Sets `request.till`, and `request.shift` where somebody is at it."""
    request.access = Access()  # type: ignore[attr-defined]
    request.till = till = tills.of(request)  # type: ignore[attr-defined]
    if till is None:
        return _refused(request, TillUnknown())
    requests.identify(f"device:{till.device_id}")
    request.shift = shift = shifts.at_till(device_id=till.device_id)  # type: ignore[attr-defined]
    if need == "till":
        return None
    if shift is None:
        return _refused(request, TillLocked())
    if not pins.may(shift.staff, permission=(need or "").removeprefix("till:"), store_id=till.store_id):
        return _refused(request, Forbidden())
    staff = shift.staff
    requests.identify(f"user:{staff.user_id}" if staff.user_id else f"staff:{staff.pk}")
    request.access = Access(staff.user_id, staff.pk, staff.role, staff.store_id, staff.region_id)  # type: ignore[attr-defined]
    if request.method == "POST" and not request.POST.get("is_frame"):  # a camera that is left on is no hand
        shifts.touch(shift)
    return None


def desk(request: HttpRequest) -> Desk:
    """The till and the person behind a request that passed."""
    till, shift = request.till, request.shift  # type: ignore[attr-defined]
    return Desk(shift.pk, till.device_id, till.store_id, till.store_code, shift.staff_id)


def _refused(request: HttpRequest, problem: DomainError) -> HttpResponse:
    answer = problems.answer(request, status=problem.status, code=problem.code, title=str(problem))
    answer["X-Problem"] = problem.code
    return answer


def till_id(request: HttpRequest) -> int:
    return int(request.till.device_id)  # type: ignore[attr-defined]
