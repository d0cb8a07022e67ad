"""Frames as a till's camera sees them: a member's code on a phone, held by people in shops. Generated, the same every time."""

from io import BytesIO
from pathlib import Path
from random import Random

import segno
import zxingcpp
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SIZE = (1000, 750)
KINDS = ("qr", "bars")
HELD = (
    "flat", "tilted", "tilted the other way", "upside down", "dim", "very dim", "glare", "cracked", "blurred", "shaken", "small",
    "noisy", "in the shade", "askew", "dim and tilted",
)  # fmt: skip


def clip(kind: str, held: str, text: str) -> Image.Image:
    """One frame in grey."""
    chance = Random(f"{kind}:{held}")
    card = _card(kind, text)
    if held == "small":
        card = card.resize((card.width * 45 // 100, card.height * 45 // 100), Image.Resampling.LANCZOS)
    if held == "askew":  # seen from the side: the far edge is shorter
        wide, high = card.size
        card = card.transform(
            (wide, high), Image.Transform.QUAD, (0, 0, 0, high, wide, high * 0.93, wide, high * 0.07), fillcolor=90
        )
    turn = {"tilted": 30, "tilted the other way": -25, "upside down": 180, "dim and tilted": 20}.get(held, 0)
    if turn:
        card = card.rotate(turn, expand=True, fillcolor=90, resample=Image.Resampling.BICUBIC)
    frame = Image.new("L", SIZE, 90)
    frame.paste(card, ((SIZE[0] - card.width) // 2, (SIZE[1] - card.height) // 2))
    return _spoiled(frame, held, chance)


def _spoiled(frame: Image.Image, held: str, chance: Random) -> Image.Image:
    draw = ImageDraw.Draw(frame)
    if held == "cracked":
        for _ in range(7):
            x, y = chance.randint(250, 750), chance.randint(200, 550)
            draw.line((x, y, x + chance.randint(-260, 260), y + chance.randint(-200, 200)), fill=200, width=5)
    if held == "glare":
        light = Image.new("L", SIZE, 0)
        ImageDraw.Draw(light).ellipse((480, 200, 720, 400), fill=150)
        frame = Image.composite(Image.new("L", SIZE, 255), frame, light.filter(ImageFilter.GaussianBlur(50)))
    if held == "in the shade":
        slope = Image.linear_gradient("L").resize(SIZE).point(lambda grey: 70 + grey * 185 // 255)
        frame = Image.composite(frame, Image.new("L", SIZE, 0), slope)
    if held == "blurred":
        frame = frame.filter(ImageFilter.GaussianBlur(2.2))
    if held == "shaken":  # along one side
        frame = frame.resize((SIZE[0] // 4, SIZE[1]), Image.Resampling.BOX).resize(SIZE, Image.Resampling.BICUBIC)
    if "dim" in held:
        frame = ImageEnhance.Brightness(frame).enhance(0.12 if "very" in held else 0.3)
    if "noisy" in held:
        grain = Image.effect_noise(SIZE, 40)
        frame = Image.blend(frame, grain, 0.25)
    return frame


def _card(kind: str, text: str) -> Image.Image:
    """The plate of the member's page, as large as a phone shows it."""
    if kind == "qr":
        out = BytesIO()
        segno.make(text, micro=False).save(out, kind="png", scale=14, border=4)
        return Image.open(out).convert("L")
    bars = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    drawn = Image.fromarray(zxingcpp.write_barcode_to_image(bars, scale=4)).convert("L")
    plate = Image.new("L", (drawn.width + 60, 180), 255)
    plate.paste(drawn.resize((drawn.width, 180)), (30, 0))
    return plate


def jpeg(frame: Image.Image) -> bytes:
    """As the till's page sends it."""
    out = BytesIO()
    frame.save(out, "JPEG", quality=85)
    return out.getvalue()


def y4m(path: Path, frame: Image.Image, *, frames: int = 4) -> None:
    """A film that Chromium plays as its camera, of 640 × 480."""
    grey = frame.resize((640, 480)).tobytes()
    film = b"FRAME\n" + grey + bytes([128]) * (320 * 240 * 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420mpeg2\n" + film * frames)
