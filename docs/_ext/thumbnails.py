"""The gallery's thumbnails: the top left of each page's picture, no larger than its place.

Sphinx-Gallery takes the whole picture, of which the style sheet would show a part.
"""

import html
import io
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

SIZE = (330, 220)  # pixels; a card is a little over 200 wide
COLOURS = 16
GROUNDS = {"light": "#ffffff", "dark": "#1a1d21"}  # --card of site.css


def make(app: Sphinx) -> None:
    """Draw those that are older than their picture."""
    for thumb in sorted(Path(app.srcdir).glob("gallery/*/images/thumb/*_thumb.svg")):
        light = original(thumb)
        both = {"light": light, "dark": light.with_name(f"{light.stem}_dark.svg")}
        for theme, source in both.items():
            made = small(thumb, theme)
            if not made.exists() or made.stat().st_mtime_ns < source.stat().st_mtime_ns:
                made.write_bytes(draw(source.read_text(encoding="utf-8"), GROUNDS[theme]))


def draw(svg: str, ground: str) -> bytes:
    import resvg_py
    from PIL import Image

    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=SIZE[0], dpi=96, background=ground, skip_system_fonts=True
    )
    shown = Image.new("RGB", SIZE, ground)
    shown.paste(Image.open(io.BytesIO(bytes(png))).convert("RGB"))
    out = io.BytesIO()
    few = shown.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    few.save(out, "WEBP", lossless=True)
    return out.getvalue()


def small(thumb: Path, theme: str) -> Path:
    return thumb.with_name(f"{thumb.stem}_{theme}.webp")


def original(thumb: Path) -> Path:
    """The picture that a thumbnail is a copy of; it need not be the page's first."""
    found = thumb.parent.parent.glob(thumb.name.replace("_thumb.svg", "_[0-9][0-9][0-9].svg"))
    return next(path for path in found if path.read_bytes() == thumb.read_bytes())


def place(app: Sphinx, doctree: nodes.document) -> None:
    """Show them in the gallery's index pages, light and dark, in words and with their size."""
    source = Path(app.srcdir)
    for light in list(doctree.findall(nodes.image)):
        if re.search(r"/images/thumb/.*\.svg$", light["uri"]):
            thumb = source / light["uri"].lstrip("/")
            light["alt"] = title(thumb)
            dark = light.copy()
            for image, theme in ((light, "light"), (dark, "dark")):
                image["uri"] = f"/{small(thumb, theme).relative_to(source).as_posix()}"
                image["classes"].append(f"only-{theme}")
                image["width"], image["height"] = map(str, SIZE)
                image["loading"] = "lazy"
            light.parent.insert(light.parent.index(light) + 1, dark)


def title(svg: Path) -> str:
    """What the picture shows, without the numbers in it."""
    found = re.search(r"<title>(.*?)</title>", svg.read_text(encoding="utf-8"))
    return re.split(r"[:;.](?: |$)", html.unescape(found[1]))[0] if found else ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", make, priority=900)  # after Sphinx-Gallery
    app.connect("doctree-read", place, priority=100)  # before Sphinx collects images
    return {"parallel_read_safe": True, "parallel_write_safe": True}
