"""Names as people may see them who need not know them."""

_DOUBLE_NAMES = ("欧阳", "上官", "司马", "诸葛", "东方", "司徒")


def half_hidden(nickname: str) -> str:
    """林若溪 → 林*溪, 沈悦 → 沈*, Chen Li → Chen*. A name already starred stays."""
    name = (nickname or "").strip()
    if len(name) < 2 or "*" in name:
        return name
    if name.isascii():
        first = name.split()[0]
        return f"{first if len(first) < len(name) else name[:2]}*"
    head = 2 if name.startswith(_DOUBLE_NAMES) and len(name) > 2 else 1
    tail = name[-1] if len(name) > head + 1 else ""
    return f"{name[:head]}*{tail}"
