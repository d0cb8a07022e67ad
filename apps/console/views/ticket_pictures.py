"""A picture or document of a ticket, for whoever may see the ticket."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.console import ticket_page
from apps.core import ids
from apps.core.files import answers
from apps.members import uploads
from apps.tickets import attachments

SECONDS = 600


@require_safe
def picture(request: HttpRequest, ticket: str, file: str) -> HttpResponse:
    row = ticket_page.found(request, ticket)
    content = attachments.content(ticket_id=row.pk, upload_id=ids.decode(uploads.PREFIX, file))
    return answers.file(content, name=file, seconds=SECONDS)
