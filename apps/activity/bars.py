"""Code 128 as SVG: pairs of digits only (code set C), ten modules of quiet on each side, always dark on white."""

# Widths of bars and spaces in modules, by symbol value: ISO/IEC 15417, table 1. 105 starts code set C, 106 ends.
_TABLE = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321
232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121
313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224
111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111
111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113
114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112
"""
_WIDTHS = _TABLE.split()
_START, _END = 105, 106
QUIET = 10
HEIGHT = 32


def svg(digits: str) -> str:
    """A whole SVG document that scales to whatever it is shown on. `digits`: an even number of them, else ValueError."""
    if len(digits) % 2 or not (digits.isascii() and digits.isdigit()):
        raise ValueError("code set C takes pairs of digits")
    path, place = [], QUIET
    for symbol in symbols(digits):
        for at, width in enumerate(_WIDTHS[symbol]):
            if at % 2 == 0:
                path.append(f"M{place} 0h{width}v{HEIGHT}h-{width}z")
            place += int(width)
    whole = place + QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {HEIGHT}" preserveAspectRatio="none"'
        f' shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{whole}v{HEIGHT}h-{whole}z"/>'
        f'<path fill="#000" d="{"".join(path)}"/></svg>'
    )


def symbols(digits: str) -> list[int]:
    """Start, pairs, check symbol, end."""
    pairs = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    check = (_START + sum(place * pair for place, pair in enumerate(pairs, 1))) % 103
    return [_START, *pairs, check, _END]
