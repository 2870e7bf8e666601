"""Every link from a page of the site to the site, anchors included, leads somewhere.

Sphinx checks the references that it resolves itself. This reads what it wrote: addresses that
templates, raw HTML and other extensions put there too. What breaks is a warning, so with ``-W``
the build fails.
"""

import html
import posixpath
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
LINK = re.compile(r"""<[a-z][^<>]*?\s(?:href|src|srcset)="([^"]*)\"""")
ANCHOR = re.compile(r"""<[a-z][^<>]*?\s(?:id|name)="([^"]*)\"""")


def pages(site: Path) -> dict[str, Path]:
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {name: path for name, path in found.items() if not name.startswith("_static/")}


def target(page: str, link: str) -> tuple[str, str] | None:
    """The file and the anchor that a link of a page is to, or None if it leaves the site."""
    parts = urlsplit(html.unescape(link))
    if parts.scheme or parts.netloc:
        return None
    file = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
    return (file if parts.path else page), unquote(parts.fragment)


def broken(site: Path) -> list[tuple[str, str]]:
    """The page and the address of each link that leads nowhere."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in pages(site).items()}
    anchors = {name: {"", *ANCHOR.findall(text)} for name, text in texts.items()}

    @cache
    def leads_somewhere(file: str, anchor: str) -> bool:
        return anchor in anchors[file] if file in anchors else (site / file).is_file()

    return [
        (page, link)
        for page, text in texts.items()
        for link in dict.fromkeys(LINK.findall(text))
        if (place := target(page, link)) and not leads_somewhere(*place)
    ]


def check(app: Sphinx, exception: Exception | None) -> None:
    """After a build that wrote a page."""
    if exception is not None or app.builder.name != "html":
        return
    site, checked = Path(app.outdir), Path(app.doctreedir) / "links_checked"
    written = max(path.stat().st_mtime_ns for path in pages(site).values())
    if checked.exists() and checked.stat().st_mtime_ns >= written:
        return
    found = broken(site)
    for page, link in found:
        logger.warning("%s: the link to %s leads nowhere", page, link)
    if not found:
        checked.touch()


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
