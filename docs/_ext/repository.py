"""The repository's address on pages: one setting of conf.py, and nothing else names a host."""

from sphinx.application import Sphinx

WORD = "REPOSITORY_URL"


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the address where a page says REPOSITORY_URL, if it is known."""
    if docname == "howto/install" and app.config.docs_repository_url:
        source[0] = source[0].replace(WORD, app.config.docs_repository_url)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("docs_repository_url", "", "env", [str])
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
