"""What a published site needs: a sitemap, a page for addresses that lead nowhere, edit links.

All of it follows two settings of conf.py, where the site is (``html_baseurl``) and where its
sources are edited (``docs_edit_url``); without them a page names no host.
"""

import logging
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from docutils import nodes
from opening import description
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent.parent
# pages that are written from something else than a file of their own
ELSEWHERE = {
    "errors/index": "docs/_ext/write_errors.py",
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
}
NOT_FOUND = """\
<h1>There is no page here</h1>
<p>The address may have a slip of the pen in it, or the page has moved. Search for it, or begin
<a href="{root}index.html">at the start</a>.</p>
<form class="not-found" action="{root}search.html" role="search">
<input type="search" name="q" aria-label="Search the site">
<button>Search</button>
</form>
"""


def source(page: str) -> str:
    """The file in the repository that a page is written in."""
    folder, name = PurePosixPath(page).parent, PurePosixPath(page).name
    if page in ELSEWHERE:
        return ELSEWHERE[page]
    if folder.name == "errors":
        return f"convdocs/errors/entries/{name}.toml"
    if page.startswith("gallery/"):
        return f"{folder}/GALLERY_HEADER.rst" if name == "index" else f"{page}.py"
    return f"docs/{page}.md"


def describe(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Describe a page by the sentences it begins with; sphinxext-opengraph takes code along."""
    if not doctree:
        return
    told = escape(description(doctree), {'"': "&quot;"})
    card = f"{app.env.titles[pagename].astext()}, on a card with a window on a grid"
    context["meta"] = {**(context["meta"] or {}), "og:image:alt": card}
    if told:
        context["meta"]["og:description"] = told
        context["metatags"] += f'<meta name="description" content="{told}" />\n'


def complete(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Give a page its edit link, and take out addresses that cannot be known."""
    edit = app.config.docs_edit_url
    if edit and pagename in app.env.found_docs:
        context["theme_source_edit_link"] = urljoin(edit, source(pagename))
    if not app.config.html_baseurl:
        tags = context.get("metatags", "")
        context["metatags"] = re.sub(r'<meta property="og:url".*\n', "", tags)
    if pagename == "404":
        context["content_root"] = app.config.notfound_urls_prefix
        context["pageurl"] = None


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """List every page. sphinx-sitemap lists those of the last run, in the order they got ready."""
    base = app.config.html_baseurl
    if exception or not base or app.builder.name != "html":
        return
    pages = [urljoin(base, app.builder.get_target_uri(page)) for page in sorted(app.env.found_docs)]
    lines = [f"<url><loc>{escape(page)}</loc></url>" for page in pages]
    head = '<?xml version="1.0" encoding="utf-8"?>'
    opening = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    text = "\n".join([head, opening, *lines, "</urlset>", ""])
    (Path(app.outdir) / "sitemap.xml").write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("docs_edit_url", "", "html", [str])
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", complete, priority=800)
    app.connect("build-finished", write_sitemap)
    if app.config.html_baseurl:
        # set up here, as a setting of its own: the list of extensions is part of what pages are
        # computed from, and another address reads none of them anew
        app.setup_extension("notfound.extension")
        root = urlsplit(app.config.html_baseurl).path
        app.config.notfound_urls_prefix = root
        app.config.notfound_context = {
            "title": "Page not found",
            "body": NOT_FOUND.format(root=root),
        }
        # cards are set in a font without a bold face
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
