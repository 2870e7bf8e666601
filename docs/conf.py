"""Settings of the site. Imports nothing heavy: a rebuild without changes stays quick."""

import os
import sys
from collections import _tuplegetter
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE / "learn")]  # with the networks of a lesson

# torch's thread pool does not survive the fork of a parallel build
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "agg"

import convdocs  # noqa: E402

project = "convdocs"
author = "the convdocs authors"
copyright = "the convdocs authors"
version = release = convdocs.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "convdocs.sphinxext",
    "convdocs.sphinxext.gallery",
    "archives",
    "declared",
    "error_pages",
    "mathml",
    "notebook_cells",
    "page_downloads",
    "pages",
    "published",
    "drawn",
    "repository",
    "search_index",
    "quick_start",  # before what would load matplotlib
    "sphinxarg.ext",
    "sphinxext.opengraph",
    "thumbnails",
    "twins",
]

exclude_patterns = [
    "_build",
    "_ext",
    # Sphinx-Gallery's by-products, of which some would be taken for pages
    *(f"gallery/**.{suffix}" for suffix in ("ipynb", "py", "md5", "json", "zip")),
    "gallery/**/sg_execution_times.rst",
    "sg_execution_times.rst",
]
nitpick_ignore_regex = [
    # other packages' documentation is not read: the build works offline
    ("py:.*", r"(torch|nn|matplotlib|numpy|np|collections|pathlib|fractions)\b.*"),
    ("py:.*", r"(Figure|Tensor)"),
    # what a picture is made of, in a signature of the room that makes it
    ("py:class", r"convdocs\.draw\.\w+\.(Stage|Scene)"),
    ("py:class", r"convdocs\.view\.tables\.\w+|Part"),
]

# ---- pages in Markdown
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_ref_domains = ["std", "py"]  # where a link without a domain is looked up
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_output_stderr = "error"  # a warning in an example is a mistake
nb_merge_streams = True

# ---- the notebook and the pages beyond it, run as scripts
sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "gallery")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"/_",
    "within_subsection_order": "reading_order.ByPage",
    "subsection_order": "reading_order.by_section",
    "image_scrapers": ("convdocs.sphinxext.gallery.scrape",),
    "reset_modules": ("strict_warnings.reset",),
    "reset_modules_order": "both",
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"(Figure|Generator|Picture|Walk)",
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "plot_gallery": "True",
}

# ---- convdocs' own directives
convdocs_execute = True
convdocs_errors_url = "/"  # the errors' pages are in this project

# ---- reference
autosummary_generate = False  # numpydoc brings autosummary along; it would import every module
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
numpydoc_show_class_members = False
doctest_test_doctest_blocks = ""  # docstrings are pytest's; a page's examples say {doctest}

# ---- where the site is and where its sources are edited; nothing else says so
html_baseurl = os.environ.get("DOCS_URL", "").rstrip("/")
html_baseurl += "/" if html_baseurl else ""
docs_edit_url = os.environ.get("DOCS_EDIT_URL", "")  # a file's path is put behind it
docs_repository_url = os.environ.get("REPOSITORY_URL", "").rstrip("/")  # what pip installs from
ogp_site_url = html_baseurl
ogp_description_length = 160
ogp_social_cards = {
    "enable": bool(html_baseurl),  # only a whole address can name a picture
    "image": "_static/logo.png",
    "image_mini": "_static/logo.png",
    "line_color": "#0b5d8f",
}

# ---- looks
html_theme = "furo"
html_title = "convdocs"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "_static/favicon.svg"
html_logo = "_static/favicon.svg"
html_domain_indices = False
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "mathml"
html_search_scorer = str(HERE / "_ext" / "search_order.js")
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = ">>> "
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5d8f",
        "color-brand-content": "#0b5d8f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4f0",
        "color-brand-content": "#7cc4f0",
    },
}


def setup(app):
    """Leave out the fields of a named tuple, which its own docstring explains."""
    app.connect(
        "autodoc-skip-member",
        lambda app, what, name, member, skip, options: isinstance(member, _tuplegetter) or None,
    )
