"""Small real Sphinx projects, built with each builder, in both markups, with four themes."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import textwrap
import time
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import torch
from docutils.parsers.rst.directives.images import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from convdocs.sphinxext import directives, options

BUILDERS = ("html", "dirhtml", "singlehtml", "epub", "latex", "text", "man")
THEMES = ("furo", "pydata_sphinx_theme", "sphinx_rtd_theme", "alabaster")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

CONF = """
project = "Nets"
author = copyright = "the authors"
version = "1"
extensions = ["myst_parser", "convdocs.sphinxext"]
exclude_patterns = ["_build"]
numfig = True
latex_documents = [("index", "nets.tex", "Nets", "the authors", "manual")]
man_pages = [("index", "nets", "Nets", "the authors", 1)]
convdocs_execute = True
"""

INDEX = """
Nets
====

.. toctree::

   rest
   myst
   bare
"""

REST = """
In reStructuredText
===================

.. conv-figure:: Conv2d(1, 1, 3, padding=1)
   :size: 4x5
   :at: 0,1,2
   :name: rest-figure
   :align: center

   Nine products and *one* sum.

See :numref:`rest-figure` and :ref:`rest-shapes`.

.. conv-shapes:: Conv2d(1, 1, 3, stride=2)
   :size: 7x7
   :name: rest-shapes

.. layer-trace:: net:small
   :input: 2,10,7
   :name: rest-trace

:numref:`rest-trace`, again from its file and as layers, and code:

.. layer-trace:: models/net.py:Net
   :input: 2,10,7
   :kwargs: {"width": 16}

.. layer-trace:: Sequential(Conv1d(10, 16, 3), ReLU())
   :input: 2,10,7

.. layer-trace::

   from torch import nn
   model = nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU())
   model((2, 10, 7))

.. conv-explorer:: Conv1d(1, 1, 3)
   :size: 7
   :name: rest-explorer

   Seven cells.

.. shape-error:: Conv1d(3, 2, 3)
   :input: 2,5,3

.. shape-error::

   import torch
   from torch import nn
   pool = nn.MaxPool1d(9)
   pool(torch.zeros(2, 4, 5))
"""

MYST = """
# In MyST

```{conv-figure} Conv2d(1, 1, 3, padding=1)
:size: 4x5
:at: 0,1,2
:name: myst-figure
:align: center

Nine products and *one* sum.
```

See {numref}`myst-figure` and {ref}`myst-shapes`.

```{conv-shapes} Conv2d(1, 1, 3, stride=2)
:size: 7x7
:name: myst-shapes
```

```{layer-trace} net:small
:input: 2,10,7
:name: myst-trace
```

{numref}`myst-trace`, again from its file and as layers, and code:

```{layer-trace} models/net.py:Net
:input: 2,10,7
:kwargs: {"width": 16}
```

```{layer-trace} Sequential(Conv1d(10, 16, 3), ReLU())
:input: 2,10,7
```

```{layer-trace}
from torch import nn
model = nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU())
model((2, 10, 7))
```

```{conv-explorer} Conv1d(1, 1, 3)
:size: 7
:name: myst-explorer

Seven cells.
```

```{shape-error} Conv1d(3, 2, 3)
:input: 2,5,3
```

```{shape-error}
import torch
from torch import nn
pool = nn.MaxPool1d(9)
pool(torch.zeros(2, 4, 5))
```
"""

NET = """
from torch import nn

import parts

class Net(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Conv1d(10, width, 3), nn.ReLU())

small = nn.Sequential(nn.Conv1d(10, parts.width, 3), nn.ReLU())
"""

WRONG_MODELS = """
import sys
from torch import nn

class Exits(nn.Module):
    def forward(self, x):
        sys.exit("bye")

class Odd(nn.Module):
    def forward(self, x):
        raise BaseException("odd")

class Raises(nn.Module):
    def forward(self, x):
        raise KeyError("no such entry")

class Stops(nn.Module):
    def forward(self, x):
        raise StopIteration

class Asks(nn.Module):
    def forward(self, x):
        return x * int(input("How many? "))

class Closes(nn.Module):
    def forward(self, x):
        exit()

class Endless(nn.Module):
    def forward(self, x):
        return self(x)
"""

FORMULA = "⌊(7 + 0 + 0 − 1·(3 − 1) − 1) / 2⌋ + 1 = 3"


def project(folder: Path, **pages: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "index.rst").write_text(INDEX, encoding="utf-8")
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "parts.py").write_text("width = 16\n", encoding="utf-8")
    (folder / "wrong.py").write_text(WRONG_MODELS, encoding="utf-8")
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "net.py").write_text(
        NET.replace("import parts", "").replace("parts.width", "4"), encoding="utf-8"
    )
    (folder / "bare.rst").write_text("Bare\n====\n\nNothing to see.\n", encoding="utf-8")
    (folder / "rest.rst").write_text(pages.get("rest", REST), encoding="utf-8")
    (folder / "myst.md").write_text(pages.get("myst", MYST), encoding="utf-8")
    return folder


def build(source: Path, builder: str = "html", *, parallel: int = 0, out: str = "", **settings):
    """Build with -n -W off; the output folder, the warnings and the pages that were read."""
    target = source / "_build" / (out or builder)
    warnings = io.StringIO()
    pages: list[str] = []
    with patch_docutils(source), docutils_namespace():
        app = Sphinx(
            source,
            source,
            target,
            source / "_build" / "doctrees",
            builder,
            confoverrides={"nitpicky": True, **settings},
            status=None,
            warning=warnings,
            parallel=parallel,
        )
        app.connect("env-before-read-docs", lambda app, env, names: pages.extend(names))
        app.build()
    return target, COLOURS.sub("", warnings.getvalue()), sorted(pages)


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    return project(tmp_path_factory.mktemp("nets"))


def text_of(target: Path, builder: str) -> str:
    """What a reader of either page would find, whatever the format."""
    if builder == "epub":
        with zipfile.ZipFile(target / "Nets.epub") as book:
            return "".join(book.read(f"{page}.xhtml").decode() for page in ("rest", "myst"))
    files = {
        "html": ["rest.html", "myst.html"],
        "dirhtml": ["rest/index.html", "myst/index.html"],
        "singlehtml": ["index.html"],
        "latex": ["nets.tex"],
        "text": ["rest.txt", "myst.txt"],
        "man": ["nets.1"],
    }
    return "".join((target / file).read_text(encoding="utf-8") for file in files[builder])


@pytest.mark.parametrize("builder", BUILDERS)
def test_each_builder_writes_both_markups_without_a_warning(nets, builder):
    target, warnings, _ = build(nets, builder)
    assert warnings == ""
    text = text_of(target, builder)
    assert text.count(FORMULA) == 4  # two axes, two markups
    assert text.count("4,800") == 3 * 2 * 4  # MACs: a call, the total, in words; four traces
    assert len(re.findall(r"products and .{0,40}one.{0,9} sum", text)) == 2
    shown = {
        "latex": r"sphinxincludegraphics\{\{\w+\}\.pdf\}",
        "text": r"window\s+covers",
        "man": r"window covers",
        "epub": r'<img [^>]*alt="[^"]*window covers[^"]*"[^>]* src="[^"]*\w+\.svg"',
    }.get(builder, r'<img [^>]*alt="[^"]*window covers[^"]*"[^>]* class="only-light"')
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))
    assert plain.count("The input (2, 5, 3) has C=5; Conv1d(3, 2, 3) expects C=3.") == 2
    assert plain.count("computed output size: 0") == 2
    if builder != "latex":  # there each word of code is set in a command of its own
        assert plain.count("Conv1d(3, 2, 3)(torch.zeros(2, 5, 3))") == 2
        assert plain.count("x = x.permute(0, 2, 1)") == 2
    live = builder in ("html", "dirhtml", "singlehtml")
    assert len(re.findall(shown, text)) == (2 if live else 4)  # else the explorers are pictures
    assert text.count('<div class="cx"') == (2 if live else 0)
    assert ("explorer.js" in text) == live


def test_latex_knows_every_character_of_the_formulas(nets):
    target, _, _ = build(nets, "latex")
    head, _, text = (target / "nets.tex").read_text(encoding="utf-8").partition("\\begin{document}")
    strange = {char for char in text if ord(char) > 0xFF} - set("–…")
    assert strange >= set("⌊⌋−")
    for char in strange:
        assert f"\\DeclareUnicodeCharacter{{{ord(char):04X}}}" in head


def test_latex_sets_numbers_to_the_right(nets):
    target, _, _ = build(nets, "latex")
    tex = (target / "nets.tex").read_text(encoding="utf-8")
    assert r"{|L|R|L|R|}" in tex  # axis, input, formula, output


QUOTED = """
Quoted
======

.. shape-error::

   import torch
   from torch import nn
   nn.Conv1d(1, 1, 3, padding_mode="circular")(torch.zeros(1, 2, 7, dtype=torch.float64))

.. layer-trace:: Conv1d(1, 2, 3, padding='same')
   :input: 1,1,7

.. shape-error:: wrong:Quotes
   :input: 1,2
"""
QUOTES = r"""
from torch import nn

class Quotes(nn.Module):
    def forward(self, x):
        raise ValueError("it's \"quoted\" -- as typed...")
"""


def test_smartquotes_leave_torchs_words_and_names_in_code_alone(tmp_path):
    source = project(tmp_path, rest=QUOTED)
    (source / "wrong.py").write_text(QUOTES)
    target, warnings, _ = build(source, "text", smartquotes=True)
    assert warnings == ""
    page = (target / "rest.txt").read_text(encoding="utf-8")
    assert """it's "quoted" -- as typed...""" in " ".join(page.split())
    assert "padding='same'" in page
    assert not set("‘’“”–…") & set(page)


def test_a_page_is_read_again_when_a_data_file_of_its_model_changed(tmp_path):
    page = "Data\n====\n\n.. layer-trace:: data:net\n   :input: 1,1,7\n   :depends: width.txt\n"
    source = project(tmp_path, rest=page)
    (source / "width.txt").write_text("2")
    (source / "data.py").write_text(
        "import pathlib\nfrom torch import nn\n"
        "width = int((pathlib.Path(__file__).parent / 'width.txt').read_text())\n"
        "net = nn.Conv1d(1, width, 3)\n"
    )
    target, warnings, _ = build(source, "text")
    assert warnings == ""
    time.sleep(0.01)
    (source / "width.txt").write_text("5")
    _, _, pages = build(source, "text")
    assert pages == ["rest"]
    assert "Conv1d(1, 5, 3)" in (target / "rest.txt").read_text(encoding="utf-8")
    (source / "rest.rst").write_text(page.replace("width.txt", "gone.txt"))
    assert ":depends: there is no file gone.txt" in build(source, "text")[1]


SHOWN = """
Shown
=====

.. shape-error:: Sequential(conv1d(3, 2, 3), ReLU())
   :input: 2,5,3

.. shape-error:: net:Net
   :input: input=2,9,7
   :kwargs: {"width": 8}

.. shape-error:: net.py:small
   :input: 2,9,7
"""


def test_the_code_of_a_shape_error_runs_and_fails_as_it_says(tmp_path, monkeypatch):
    source = project(tmp_path, rest=SHOWN)
    build(source, "text")
    blocks = re.findall(r"(?m)(?:^   .*\n)+", (source / "_build/text/rest.txt").read_text("utf-8"))
    codes = [textwrap.dedent(block) for block in blocks if "import torch\n" in block]
    assert len(codes) == 3
    monkeypatch.syspath_prepend(str(source))
    for code in codes:
        with pytest.raises(RuntimeError, match=r"to have (3|10) channels"):
            exec(code, {})
    for name in ("net", "parts"):
        sys.modules.pop(name, None)


def test_both_markups_make_the_same_nodes(nets):
    target, _, _ = build(nets)
    one, other = (
        re.findall(
            r'<div class="convdocs-part.*?(?=<div class="convdocs-part|<p>See|<p><a|</section>)',
            (target / f"{page}.html").read_text(encoding="utf-8"),
            re.DOTALL,
        )
        for page in ("rest", "myst")
    )
    same = [re.sub(r"Fig\. \d+|Table \d+|(rest|myst)-|id\d+", "", "".join(x)) for x in (one, other)]
    assert len(one) == 9
    assert same[0] == same[1]


@pytest.mark.parametrize("theme", THEMES)
def test_each_theme_shows_the_parts_and_styles_only_the_pages_that_have_them(nets, theme):
    target, warnings, _ = build(nets, out=theme, html_theme=theme)
    assert warnings == ""
    for page in ("rest", "myst"):
        html = (target / f"{page}.html").read_text(encoding="utf-8")
        images = re.findall(r'<img [^>]*src="(_images/[^"]+)"', html)
        assert len(images) == 2  # light and dark
        assert all((target / image).exists() for image in images)
        assert not re.search(r"<img [^>]*only-dark[^>]*>\s*<figcaption", html)
        assert "_static/convdocs.css" in html
    for page in ("bare", "index", "search", "genindex"):
        assert "convdocs.css" not in (target / f"{page}.html").read_text(encoding="utf-8")
    for file in ("convdocs.css", "explorer.js"):
        assert (target / "_static" / file).exists()


def test_a_page_without_an_explorer_loads_none(tmp_path):
    shapes = ".. conv-shapes:: Conv1d(1, 1, 3)\n   :size: 7\n"
    source = project(tmp_path, rest=f"Rest\n====\n\n{shapes}", myst="# Myst\n")
    target, _, _ = build(source)
    html = (target / "rest.html").read_text(encoding="utf-8")
    assert "convdocs.css" in html
    assert "explorer" not in html
    assert not (target / "_static" / "explorer.js").exists()


@pytest.mark.parametrize(
    ("site", "link"),
    [("", None), ("/", "errors/"), ("https://a.example/", "https://a.example/errors/")],
)
def test_explorers_link_to_the_errors_pages_that_the_project_names(tmp_path, site, link):
    rest = ".. conv-explorer:: Conv1d(1, 1, 3)\n   :size: 7\n"
    source = project(tmp_path, rest=f"Rest\n====\n\n{rest}", myst="# Myst\n")
    target, _, _ = build(source, convdocs_errors_url=site)
    html = (target / "rest.html").read_text(encoding="utf-8")
    assert re.findall(r'"errors":"([^"]*)"', html) == ([link] if link else [])


def test_a_picture_has_its_room_before_it_is_fetched(nets):
    target, _, _ = build(nets)
    html = (target / "rest.html").read_text(encoding="utf-8")
    for tag in re.findall(r"<img [^>]*only-[^>]*>", html):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        picture = (target / said["src"]).read_text(encoding="utf-8")
        points = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', picture)
        # docutils before 0.21 knows no way to fetch a picture late
        assert said.get("loading") == ("lazy" if "loading" in Image.option_spec else None)
        sizes = [round(float(one) * 4 / 3) for one in points.groups()]
        assert [int(said["width"]), int(said["height"])] == sizes


def test_a_figure_without_a_body_has_the_pictures_own_caption(tmp_path):
    figure = ".. conv-figure:: MaxPool1d(2)\n   :size: 4\n"
    source = project(tmp_path, rest=f"Rest\n====\n\n{figure}", myst="# Myst\n")
    html = (build(source)[0] / "rest.html").read_text(encoding="utf-8")
    words = "Of the numbers in the window the largest is kept"
    assert re.search(rf"<figcaption>.*{words}.*</figcaption>", html, re.DOTALL)


def test_a_page_for_the_dark_has_the_same_picture_in_other_colours(nets):
    target, _, _ = build(nets)
    html = (target / "rest.html").read_text(encoding="utf-8")
    light, dark = re.findall(r'<img [^>]*class="only-(\w+)"[^>]* src="([^"]+)"', html)
    assert (light[0], dark[0]) == ("light", "dark")
    one, other = ((target / path).read_text(encoding="utf-8") for path in (light[1], dark[1]))
    assert one != other
    colour = re.compile(r"#[0-9a-f]{6}")
    assert colour.sub("", one) == colour.sub("", other)


WRONG = [
    ("conv-figure", "", {"size": "7"}, "it needs a layer, as Conv2d(1, 1, 3, padding=1)"),
    ("conv-figure", "Conv1d(1, 1, 3)", {}, ":size: is needed: input cells along each axis, as 7"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"siez": "7"}, "no option :siez:; did you mean size?"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"foo": "7"}, "no option :foo:; there are size, at, values"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": ""}, ":size: '' is not understood"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7x"}, "write whole numbers, as 7, 4x5 or 4x5x6"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "4x5"}, "its size is 1 number, as 7, not 4x5"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "at": "0,9"}, "(1, 5)"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "at": "x"}, ":at: 'x' is not understood"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "seed": "x"}, ":seed: takes a whole number"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "seed": "9" * 20}, "number below 2^63, not"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "class": "!"}, ":class: takes names with "),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "100000000"}, "too large to draw"),
    ("conv-explorer", "MaxPool1d(2)", {"size": "7", "filter": "blur"}, "MaxPool1d has no weights"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "values": "hole"}, "did you mean whole?"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "align": "up"}, "left, center or right"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "width": "wide"}, ":width: "),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "7", "alt": ""}, ":alt: takes text, not ''"),
    ("conv-figure", "Conv1(1, 1, 3)", {"size": "7"}, "no layer called Conv1; did you mean Conv1d"),
    ("conv-figure", "Linear(1, 1)", {"size": "7"}, "Linear has no sliding window"),
    ("conv-figure", "__import__('os')", {"size": "7"}, "torch.nn has no layer called __import__"),
    ("conv-explorer", "Conv3d(1, 1, 3)", {"size": "7x7x7"}, "Conv3d cannot be explored"),
    (
        "conv-explorer",
        "Conv1d(1, 1, 3)",
        {"size": "7", "address": "x"},
        ":address: takes nothing, not 'x'",
    ),
    ("conv-shapes", "Conv1d(1, 1, 9)", {"size": "3"}, "Kernel size can't be greater than actual"),
    ("conv-shapes", "MaxPool1d(3, padding=9)", {"size": "7"}, "padding should be at most half of"),
    ("conv-shapes", "Conv1d(1, 1, 3, stride=0)", {"size": "7"}, "non-positive stride is not supp"),
    ("conv-shapes", "ConvTranspose1d(1, 1, 3, output_padding=3)", {"size": "7"}, "output padding"),
    (
        "conv-shapes",
        "AvgPool2d(2, divisor_override=0)",
        {"size": "4x4"},
        "divisor must be not zero",
    ),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "0"}, "padded input size per channel: (0)"),
    ("conv-figure", "Conv1d(1, 1, 3)", {"size": "9" * 20}, "a number that no tensor's size can be"),
    ("conv-figure", "Conv1d(1, 1, 3, padding=-5)", {"size": "7"}, "negative padding is not supp"),
    ("conv-figure", "LazyConv1d(1, 3)", {"size": "7"}, "write Conv1d with them"),
    ("conv-figure", "GroupNorm(0, 4)", {"size": "7"}, "ZeroDivisionError: "),
    ("conv-explorer", "Conv2d(3, 2, (3,))", {"size": "4x4"}, "expected stride to be a single"),
    ("conv-explorer", "AvgPool1d(3, padding=2)", {"size": "7"}, "at most half of"),
    ("layer-trace", "wrong:Exits", {"input": "1"}, "SystemExit: bye"),
    ("shape-error", "wrong:Exits", {"input": "1"}, "SystemExit: bye"),
    ("layer-trace", "wrong:Odd", {"input": "1"}, "BaseException: odd"),
    ("layer-trace", "wrong:Closes", {"input": "1"}, "SystemExit: None"),
    ("layer-trace", "wrong:Asks", {"input": "1"}, "Asks: EOFError: "),
    ("layer-trace", "wrong:Stops", {"input": "1"}, "Stops: StopIteration"),
    ("layer-trace", "wrong:Raises", {"input": "1"}, "Raises: KeyError: 'no such entry'"),
    ("layer-trace", "wrong:Endless", {"input": "1"}, "maximum recursion depth"),
    (
        "layer-trace",
        "Bilinear(1, 2, 3)",
        {"input": "1,1"},
        "missing 1 required positional argument",
    ),
    ("layer-trace", "Conv1d(1, 1, 3)", {"input": "x=1,1,7"}, "unexpected keyword argument 'x'"),
    ("layer-trace", "net:small", {}, ":input: is needed: a shape, as 1,3,224,224"),
    ("layer-trace", "net:small", {"input": "2;x"}, ":input: 'x' is not understood"),
    ("layer-trace", "net:small", {"input": "2:int46"}, "no dtype called int46; did you mean int"),
    ("layer-trace", "net:smal", {"input": "2,10,7"}, "net has no smal; did you mean small?"),
    ("layer-trace", "nett:small", {"input": "2,10,7"}, "no module called nett"),
    ("layer-trace", "nett.py:small", {"input": "2,10,7"}, "did you mean net.py?"),
    ("layer-trace", "net:Net", {"input": "2,10,7"}, "Net needs width: give kwargs, as {"),
    ("layer-trace", "net:Net", {"input": "1", "kwargs": "8"}, ":kwargs: '8' is no set of keyword"),
    ("layer-trace", "net:small", {"input": "2,9,7"}, "0: Given groups=1, weight of size [16, 10"),
    ("layer-trace", "net:small", {"input": "2,10,7", "findings": "hid"}, "did you mean hide?"),
    ("shape-error", "Conv1d(3, 2, 3)", {"input": "2,3,5"}, "this example runs: there is no error"),
    ("shape-error", "Conv1d(3, 2, 3)", {}, ":input: is needed: a shape, as 1,3,224,224"),
    ("exercise", "", {"answer": "3"}, "its body is the question, and there is none"),
    ("layer-trace", "", {}, "it needs a model, as net:small or net.py:Net, or a layer; or code"),
]


def as_rest(name: str, argument: str, given: dict[str, str]) -> str:
    return f".. {name}:: {argument}\n" + "".join(f"   :{k}: {v}\n" for k, v in given.items())


def as_myst(name: str, argument: str, given: dict[str, str]) -> str:
    return f"```{{{name}}} {argument}\n" + "".join(f":{k}: {v}\n" for k, v in given.items()) + "```"


def test_each_mistake_is_told_with_its_file_its_line_and_the_right_spelling(tmp_path):
    title = {"rest": "Wrong\n=====\n\n", "myst": "# Wrong\n\n\n"}
    writers = {"rest": as_rest, "myst": as_myst}
    pages, lines = {}, {}
    for page, write in writers.items():
        text = title[page]
        for number, (name, argument, given, _) in enumerate(WRONG):
            lines[page, number] = text.count("\n") + 1
            text += write(name, argument, given) + "\n\n"
        pages[page] = text
    _, warnings, _ = build(project(tmp_path, **pages), "dummy")
    told = dict(re.findall(r"(\w+\.(?:rst|md):\d+): ERROR: (.*)", warnings))
    assert len(told) == 2 * len(WRONG)
    for page, file in (("rest", "rest.rst"), ("myst", "myst.md")):
        for number, (name, _, _, says) in enumerate(WRONG):
            message = told[f"{file}:{lines[page, number]}"]
            assert message.startswith(f"{name}: ")
            assert says in message


@pytest.mark.skipif(
    metadata.version("myst-parser") < "5", reason="MyST 4 keeps a directive's options to itself"
)
@pytest.mark.parametrize("form", [":size: 7\n:size: 8", "---\nsize: 7\nsize: 8\n---"])
def test_an_option_that_is_given_twice_is_told(tmp_path, form):
    wrong = f"```{{conv-figure}} Conv1d(1, 1, 3)\n{form}\n\nseed: 1\n```\n"
    right = wrong.replace("size: 8", "seed: 8")
    _, warnings, _ = build(project(tmp_path, myst=f"# Twice\n\n{right}\n{wrong}"), "dummy")
    line = right.count("\n") + 4
    [told] = re.findall(r"\w+\.md:\d+: ERROR: .*", warnings)
    assert told.startswith(f"myst.md:{line}: ERROR: conv-figure: :size: is given twice")


EXERCISES = [
    ("float('nan')", "", "the answer is nan, which nobody can type"),
    ("1, float('inf')", "", "the answer is inf, which nobody can type"),
    ("import os", "", "the last line must be the answer"),
    ("3", "   :within: -1\n", ":within: takes a number of at least 0, not '-1'"),
    ("3", "   :within: nan\n", ":within: takes a number of at least 0, not 'nan'"),
]


def test_an_exercise_that_no_answer_could_solve_is_told(tmp_path):
    rest = "Rest\n====\n\n" + "".join(
        f".. exercise::\n   :answer: {answer}\n{more}\n   What?\n\n"
        for answer, more, _ in EXERCISES
    )
    _, warnings, _ = build(project(tmp_path, rest=rest, myst="# Myst\n"), "dummy")
    told = re.findall(r"rest\.rst:\d+: ERROR: exercise: (.*)", warnings)
    assert len(told) == len(EXERCISES)
    for message, (*_, says) in zip(told, EXERCISES, strict=True):
        assert says in message


def test_a_formula_with_a_body_is_told(tmp_path):
    rest = "Rest\n====\n\n.. conv-shapes:: Conv1d(1, 1, 3)\n   :size: 7\n\n   Words.\n"
    _, warnings, _ = build(project(tmp_path, rest=rest, myst="# Myst\n"), "dummy")
    assert "rest.rst:4: ERROR:" in warnings
    assert "no content permitted" in warnings


@pytest.mark.filterwarnings("ignore:'sphinxcontrib.serializinghtml")  # of what it asks of Sphinx
@pytest.mark.parametrize("builder", ["json", "pickle"])
def test_builders_for_programs_find_the_scripts_of_a_page(nets, builder):
    target, warnings, _ = build(nets, builder)
    assert warnings == ""
    page = target / ("rest.fjson" if builder == "json" else "rest.fpickle")
    data = page.read_bytes()
    body = (json.loads if builder == "json" else pickle.loads)(data)["body"]
    assert '<script src="../_static/explorer.js">' in body
    assert (target / "_static" / "explorer.js").exists()


def test_a_picture_that_is_not_there_is_told_at_its_line(tmp_path):
    source = project(tmp_path, rest="Rest\n====\n\n.. conv-picture:: /no.svg\n\n   Words.\n")
    more = ["myst_parser", "convdocs.sphinxext.gallery"]
    _, warnings, _ = build(source, "dummy", extensions=more)
    assert "rest.rst:4: ERROR: conv-picture: there is no picture /no.svg" in warnings


def test_parallel_builds_write_the_same_bytes(tmp_path):
    def pages(target: Path) -> dict[str, bytes]:
        kept = [path for path in target.rglob("*") if path.suffix in (".html", ".svg", ".css")]
        return {str(path.relative_to(target)): path.read_bytes() for path in kept}

    serial, _, _ = build(project(tmp_path / "one"))
    parallel, warnings, _ = build(project(tmp_path / "two"), parallel=2)
    assert warnings == ""
    assert pages(serial) == pages(parallel)


def test_nothing_is_read_again_when_nothing_changed(tmp_path):
    source = project(tmp_path)
    assert build(source)[2] == ["bare", "index", "myst", "rest"]
    assert build(source)[2] == []


def test_a_page_is_read_again_when_a_file_of_its_model_changed(tmp_path):
    source = project(tmp_path)
    target, _, _ = build(source)
    assert "<p>4,800</p>" in (target / "rest.html").read_text(encoding="utf-8")
    for file in ("models/net.py", "parts.py"):
        (source / "parts.py").write_text("width = 160\n", encoding="utf-8")
        os.utime(source / "parts.py", (0, 0))
        os.utime(source / file, times=(time.time() + 3600,) * 2)
        assert build(source)[2] == ["myst", "rest"]
        os.utime(source / file, (0, 0))
        assert build(source)[2] == []
    assert "<p>48,000</p>" in (target / "rest.html").read_text(encoding="utf-8")


def test_code_runs_only_where_the_project_says_so(tmp_path):
    body = "\n   import pathlib\n   pathlib.Path('ran').touch()\n   print(1)\n"
    traces = ".. layer-trace:: net:small\n   :input: 2,10,7\n", f".. layer-trace::\n{body}"
    source = project(tmp_path, rest="Rest\n====\n\n" + "\n".join(traces), myst="# Myst\n")
    (source / "net.py").write_text("import pathlib\npathlib.Path('ran').touch()\n")
    _, warnings, _ = build(source, convdocs_execute=False)
    assert "net:small is code; set convdocs_execute = True in conf.py" in warnings
    assert "its body is code; set convdocs_execute = True in conf.py" in warnings
    assert not Path("ran").exists()


def test_text_of_a_model_is_text_on_the_page(tmp_path):
    body = """
   from torch import nn
   model = nn.Sequential()
   model.add_module("<b>*x*|`y`", nn.Conv1d(1, 1, 3))
   model((1, 1, 5))
"""
    source = project(tmp_path, rest=f"Rest\n====\n\n.. layer-trace::\n{body}", myst="# Myst\n")
    target, warnings, _ = build(source)
    html = (target / "rest.html").read_text(encoding="utf-8")
    assert warnings == ""
    assert "<b>" not in html
    assert "&lt;b&gt;*x*|`y`" in html


@pytest.mark.parametrize(
    ("site", "links"),
    [
        ("", []),
        ("/", ["errors/inputs.html#channels-mismatch"]),
        ("https://a.example/", ["https://a.example/errors/inputs.html#channels-mismatch"]),
    ],
)
def test_an_error_links_to_its_entry_where_the_project_says_so(tmp_path, site, links):
    error = ".. shape-error:: Conv1d(3, 2, 3)\n   :input: 2,4,5\n"
    source = project(tmp_path, rest=f"Rest\n====\n\n{error}", myst="# Myst\n")
    target, _, _ = build(source, convdocs_errors_url=site)
    html = (target / "rest.html").read_text(encoding="utf-8")
    assert re.findall(r'href="([^"]+)">More about channels-mismatch', html) == links


def test_the_random_state_and_the_threads_are_left_as_they_were(tmp_path):
    body = (
        ".. layer-trace::\n\n   import torch\n   torch.manual_seed(5)\n   torch.nn.ReLU()((2, 3))\n"
    )
    source = project(tmp_path, rest=f"Rest\n====\n\n{body}")
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    build(source, "dummy")
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_project_without_these_directives_never_loads_torch(tmp_path):
    source = project(tmp_path, rest="Rest\n====\n", myst="# Myst\n")
    script = (
        "import sys; from sphinx.cmd.build import main; "
        f"assert main(['-q', '-W', {str(source)!r}, {str(source / '_build')!r}]) == 0; "
        "assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ})


def test_every_option_says_what_it_takes_and_what_it_does():
    for directive in directives.DIRECTIVES:
        assert directive.summary.endswith(".")
        for option in directive.declared:
            assert option.takes
            assert option.help.endswith(".")
            assert (
                option.required
                or option.default is None
                or option.default == (options.read([option], {})[option.name])
            )


def test_the_reference_page_shows_every_directive():
    page = Path(__file__).parents[1] / "docs" / "reference" / "directives.md"
    told = re.findall(r"\{declared-directive\} ([\w-]+)", page.read_text(encoding="utf-8"))
    assert sorted(told) == sorted(one.called for one in directives.DIRECTIVES)


def test_the_examples_of_the_reference_build_as_they_are(tmp_path):
    examples = "\n\n".join(one.example for one in directives.DIRECTIVES)
    _, warnings, _ = build(project(tmp_path, rest=f"Rest\n====\n\n{examples}\n"), "dummy")
    assert warnings == ""


TREE = """\
Tree
====

.. layer-trace:: Sequential(Sequential(Conv1d(1, 2, 3), ReLU()), Flatten())
   :input: 1,1,9
"""


@pytest.mark.parametrize("builder", ["html", "text"])
def test_a_network_of_modules_is_a_tree_on_a_page_and_has_whole_paths_elsewhere(tmp_path, builder):
    source = project(tmp_path / "tree", rest=TREE, myst="# Nothing\n")
    target, warnings, _ = build(source, builder)
    assert warnings == ""
    if builder == "html":
        page = (target / "rest.html").read_text(encoding="utf-8")
        assert page.count("<table") == 1
        assert 'aria-label="Show the inside of 0 Sequential"' in page
    else:
        text = (target / "rest.txt").read_text(encoding="utf-8")
        assert re.search(r'"0\.1"\s*\|\s*"ReLU\(\)"', text)
