"""The picture beside a link to an event page in messengers: 1200 × 630, as Open Graph recommends."""

import io
import shutil
import subprocess
import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from visuspace.selectors.event_page import EventPage

_SIZE = (1200, 630)
_MARGIN = 80
_TEXT_WIDTH = 700
_PAPER, _INK, _INK_2, _BLUE, _LIGHT = "#f5f6f8", "#16202b", "#465260", "#1460bd", "#a3c8f4"
_SKY = (640, 15, 1190, 615)  # left, top, right, bottom
# How often the drawing is larger than the picture, for smooth edges.
_OVERSAMPLING = 2

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_card(page: EventPage) -> bytes:
    """Draw the picture of a page. Returns a PNG.

    Text that no font of this machine can write is left out, so that nobody sees empty boxes.
    """
    scale = _OVERSAMPLING
    image = Image.new("RGB", (_SIZE[0] * scale, _SIZE[1] * scale), _PAPER)
    draw = ImageDraw.Draw(image)
    _draw_sky(draw, page, scale)
    top = _MARGIN * scale
    texts = [
        (page.days, 34, _BLUE, 1),
        (page.conference.name, 76, _INK, 3),
        (page.conference.venue or page.conference.tagline, 34, _INK_2, 2),
    ]
    for text, size, colour, most in texts:
        font = _find_font(_needs_cjk(text), size * scale)
        if not text or font is None:
            continue
        for line in _wrap(text, font, _TEXT_WIDTH * scale, most):
            draw.text((_MARGIN * scale, top), line, font=font, fill=colour)
            top += round(size * 1.25) * scale
        top += 18 * scale
    output = io.BytesIO()
    image.resize(_SIZE, Image.Resampling.LANCZOS).save(output, "PNG", optimize=True)
    return output.getvalue()


def _draw_sky(draw: ImageDraw.ImageDraw, page: EventPage, scale: int) -> None:
    left, top, right, bottom = (edge * scale for edge in _SKY)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * x / 100, top + (bottom - top) * y / 100

    for line in page.sky.lines:
        draw.line(_curve(place(line.start.x, line.start.y), place(line.end.x, line.end.y)), _LIGHT, 3 * scale)
    for point in page.sky.points:
        x, y = place(point.x, point.y)
        radius = (16, 12, 9, 6)[point.level] * scale
        colour = _BLUE if point.level < 2 else _LIGHT
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour, _PAPER, 3 * scale)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Return points on the cubic Bézier curve that the page draws, too."""
    middle = (start[0] + end[0]) / 2
    corners = (start, (middle, start[1]), (middle, end[1]), end)
    points = []
    for step in range(25):
        t = step / 24
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))
        points.append((x, y))
    return points


def _wrap(text: str, font: Font, width: float, most: int) -> list[str]:
    """Break a text into at most `most` lines of `width` pixels. Chinese breaks between any characters."""
    lines = [""]
    for piece in _pieces(text):
        if not lines[-1] or font.getlength(lines[-1] + piece.rstrip()) <= width:
            lines[-1] += piece
        elif len(lines) < most:
            lines[-1] = lines[-1].rstrip()
            lines.append(piece)
        else:
            lines[-1] = lines[-1].rstrip() + "…"
            break
    return [_cut(line, font, width) for line in lines]


def _pieces(text: str) -> list[str]:
    pieces, word = [], ""
    for character in text[:300]:
        if _is_wide(character):
            pieces += [word, character] if word else [character]
            word = ""
        else:
            word += character
            if character == " ":
                pieces.append(word)
                word = ""
    return [*pieces, word] if word else pieces


def _cut(line: str, font: Font, width: float) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _needs_cjk(text: str) -> bool:
    return any(map(_is_wide, text))


@lru_cache(maxsize=32)
def _find_font(is_cjk: bool, size: int) -> Font | None:
    """Return a bold font of this machine; Pillow's own for Latin, and None for Chinese, if it has none."""
    path = _find_font_file(is_cjk)
    if path is not None:
        return ImageFont.truetype(str(path), size, index=_index_of(path))
    return None if is_cjk else ImageFont.load_default(size)


@lru_cache(maxsize=2)
def _find_font_file(is_cjk: bool) -> Path | None:
    program = shutil.which("fc-match")
    if program is None:
        return None
    wanted = "sans:bold:lang=zh-cn" if is_cjk else "sans:bold"
    found = subprocess.run(  # noqa: S603  our own arguments
        [program, "--format=%{file}\n%{lang}", wanted],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    path, _newline, languages = found.stdout.partition("\n")
    # fc-match names its best font even if that lacks the language.
    if found.returncode != 0 or not Path(path).is_file() or (is_cjk and "zh-cn" not in languages):
        return None
    return Path(path)


def _index_of(path: Path) -> int:
    """Return the simplified Chinese face of a collection such as NotoSansCJK-Bold.ttc."""
    if path.suffix.lower() not in (".ttc", ".otc"):
        return 0
    for index in range(20):
        try:
            family = ImageFont.truetype(str(path), 10, index=index).getname()[0] or ""
        except OSError:
            break
        if family.endswith(" SC"):
            return index
    return 0
