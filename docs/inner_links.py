"""Every link from a page of the site to the site, anchors included, leads somewhere.

Sphinx checks the references that it resolves itself. This reads what was written: addresses that
templates, raw HTML and other extensions put there too.
"""

import html
import posixpath
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINK = re.compile(r"""<[a-z][^<>]*?\s(?:href|src|srcset)="([^"]*)\"""")
ANCHOR = re.compile(r"""<[a-z][^<>]*?\s(?:id|name)="([^"]*)\"""")


def pages(site: Path) -> dict[str, Path]:
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {name: path for name, path in found.items() if not name.startswith("_static/")}


def target(page: str, link: str, base: str) -> tuple[str, str] | None:
    """The file and the anchor that a link of a page is to, or None if it leaves the site."""
    parts = urlsplit(html.unescape(link))
    if parts.scheme or parts.netloc:
        return None
    path = unquote(parts.path)
    if base and path.startswith(base):  # of the page for lost addresses, which may be anywhere
        return posixpath.normpath(path.removeprefix(base)), unquote(parts.fragment)
    file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    return (file if path else page), unquote(parts.fragment)


def broken(site: Path, base: str = "") -> list[tuple[str, str]]:
    """The page and the address of each link that leads nowhere.

    ``base`` is the path that the site has at its host, ``"/docs/"``.
    """
    texts = {name: path.read_text(encoding="utf-8") for name, path in pages(site).items()}
    anchors = {name: {"", *ANCHOR.findall(text)} for name, text in texts.items()}

    @cache
    def leads_somewhere(file: str, anchor: str) -> bool:
        return anchor in anchors[file] if file in anchors else (site / file).is_file()

    return [
        (page, link)
        for page, text in texts.items()
        for link in dict.fromkeys(LINK.findall(text))
        if (place := target(page, link, base)) and not leads_somewhere(*place)
    ]
