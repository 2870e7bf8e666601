"""Layers, models and shape errors as directives of a Sphinx project.

``extensions = ["convdocs.sphinxext"]`` in a conf.py gives ``conv-figure``, ``conv-explorer``,
``network-explorer``, ``layer-trace``, ``conv-shapes``, ``shape-error`` and ``exercise``, in
reStructuredText and in MyST. torch loads when the first of them is made, so that a build without
changes stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Goes up when the nodes that the directives make change, so that old doctrees are read anew.
ENV_VERSION = 9


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives, their settings and their assets with a Sphinx application."""
    import convdocs
    from convdocs.sphinxext import assets, directives, options, parts, pictures

    for name, setting in options.SETTINGS.items():
        app.add_config_value(name, setting["default"], "env", [type(setting["default"])])
    for directive in directives.DIRECTIVES:
        app.add_directive(directive.called, directive)
    app.add_node(pictures.themed, html=(pictures.visit_html, None))
    app.add_post_transform(parts.Words)
    app.connect("builder-inited", assets.declare)
    app.connect("html-page-context", assets.add)
    return {
        "version": convdocs.__version__,
        "env_version": ENV_VERSION,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
