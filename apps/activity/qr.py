"""QR codes as SVG: nothing printed on them, four modules of quiet around, always dark on white."""

import io

import segno


def svg(text: str, *, quiet: int = 4) -> str:
    """A whole SVG document with level M correction, which scales to whatever it is printed on. `quiet`: modules around it; fewer
    only where what lies around is white anyway."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        border=quiet,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgclass=None,
        lineclass=None,
        omitsize=True,
    )
    return out.getvalue().decode()
