"""How a stored picture or document goes out over HTTP."""

from django.http import HttpResponse

from apps.core.files import documents, pictures


def file(content: bytes, *, name: str, seconds: int) -> HttpResponse:
    """A picture to look at, a document to save; `name` without an ending."""
    if not documents.is_pdf(content):
        return picture(content, name=f"{name}.jpg", seconds=seconds)
    answer = picture(content, name=f"{name}.pdf", seconds=seconds)
    answer["Content-Type"], answer["Content-Disposition"] = documents.MEDIA_TYPE, f'attachment; filename="{name}.pdf"'
    return answer


def picture(content: bytes, *, name: str, seconds: int) -> HttpResponse:
    """A picture that can do nothing but be looked at, kept by this browser alone for so many seconds."""
    return HttpResponse(
        content,
        content_type=pictures.MEDIA_TYPE,
        headers={
            "Content-Disposition": f'inline; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": f"private, max-age={seconds}",
        },
    )
