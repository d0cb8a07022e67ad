"""How a stored picture goes out over HTTP."""

from django.http import HttpResponse

from apps.core.files import pictures


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
