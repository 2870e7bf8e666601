"""What a notebook shows for all that convdocs returns: in a fresh kernel, and after conversion.

Each value is a cell's last line in one notebook, run by a real kernel in which no matplotlib magic
ran; the notebook is then converted as people publish it.
"""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbconvert import HTMLExporter, LatexExporter

SET_UP = "import torch, convdocs\nfrom torch import nn\nfrom convdocs import draw"
CONV = "nn.Conv1d(1, 1, 3), torch.arange(7.0)[None]"
CELLS = {
    "trace": "convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))",
    "explanation": "convdocs.explain(nn.AvgPool1d(2), torch.tensor([[1.0, 3.0]]), (0, 0))",
    "diagnosis": "convdocs.diagnose(nn.Conv1d(3, 2, 3), torch.zeros(2, 5, 3))",
    "finding": "convdocs.trace(nn.Sequential(nn.MaxPool2d(2)), (2, 32, 6)).findings[0]",
    "memory": "convdocs.memory(nn.Conv1d(3, 2, 3), (2, 3, 7), optimizer='adam')",
    "figure": f"draw.layer({CONV})",
    "animation": f"draw.animate({CONV})",
    "explorer": f"convdocs.explore({CONV})",
    "network": "convdocs.explore(nn.Sequential(nn.Conv1d(1, 2, 3)), torch.ones(1, 1, 7))",
}  # fmt: skip
ESCAPED = (
    "net = nn.Sequential(); net.add_module('<img src=x onerror=alert(1)>', nn.ReLU())\n"
    "convdocs.trace(net, (2, 3))"
)
PICTURES = {"figure", "animation", "explorer", "network"}
LARGEST = {"animation": 160, "explorer": 200, "network": 200}  # kB of HTML, scripts included
each = pytest.mark.parametrize("name", CELLS)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The notebook, run."""
    codes = [SET_UP, *CELLS.values(), ESCAPED]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, codes)))
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    return notebook


@pytest.fixture(scope="module")
def shown(book):
    """What each cell displays, by kind of content."""
    results = {}
    for name, cell in zip(["set up", *CELLS, "escaped"], book.cells, strict=True):
        assert not any(output.output_type in ("stream", "error") for output in cell.outputs), name
        data = [out.data for out in cell.outputs if out.output_type == "execute_result"]
        if data:
            (results[name],) = data
    return results


@pytest.mark.parametrize(
    ("name", "html", "text"),
    [
        ("trace", "<code>Conv1d(10, 16, 3)</code>", "Conv1d(10, 16, 3)"),
        ("explanation", "AvgPool1d(2)", "AvgPool1d(2)"),
        ("diagnosis", "The input (2, 5, 3) has C=5", "x = x.permute(0, 2, 1)"),
        ("finding", "MaxPool2d", "[batch-as-channels]"),
        ("memory", "gradients", "gradients"),
        ("figure", '<svg role="img" aria-label="Conv1d(1, 1, 3)', ""),
        ("figure", "light-dark(", ""),
        ("animation", 'class="cv-picture cv-player"', ""),
        ("explorer", "<script", "<Explorer of Conv1d(1, 1, 3) on x (1, 7)>"),
        ("network", "<script", "<NetworkExplorer of Sequential"),
    ],
)
def test_each_result_shows_as_html_and_as_text(shown, name, html, text):
    assert html in shown[name]["text/html"]
    assert text in shown[name]["text/plain"]


@each
def test_the_text_is_short_and_says_no_address(shown, name):
    lines = shown[name]["text/plain"].split("\n")
    assert len(lines) == 1 or name not in PICTURES
    assert len(lines) <= 30
    assert max(map(len, lines)) <= (150 if name in PICTURES else 100)  # a picture's is a sentence
    assert not re.search(r" at 0x[0-9a-f]+", shown[name]["text/plain"])


@each
def test_the_html_is_small_and_asks_for_nothing(shown, name):
    html = shown[name]["text/html"]
    assert len(html.encode()) <= 1000 * LARGEST.get(name, 60)
    soup = BeautifulSoup(html, "html.parser")
    for tag in soup.find_all(["img", "script", "link", "iframe"]):
        address = tag.get("src") or tag.get("href") or "data:"
        assert address.startswith("data:"), tag


@each
def test_without_scripts_and_styles_something_good_is_left(shown, name):
    """As GitHub and VS Code show a notebook that they do not trust."""
    soup = BeautifulSoup(shown[name]["text/html"], "html.parser")
    for tag in soup.find_all(["script", "style", "noscript"]):
        tag.decompose()
    words = soup.get_text(" ", strip=True)
    if name in PICTURES:
        still = soup.find(["svg", "img", "table"])
        assert still is not None
        alt = still.get("aria-label") or still.get("alt") or still.get_text()
        assert len(alt) > 20
        assert soup.find(["figcaption", "caption"]) is not None
    else:
        assert len(words) > 40
    assert "JavaScript" not in words or name in PICTURES


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_nbconvert_writes_each_into_a_page(book, shown, template):
    html, _ = HTMLExporter(template_name=template).from_notebook_node(book)
    page = " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())
    for name in CELLS:
        words = BeautifulSoup(shown[name]["text/html"], "html.parser").get_text(" ")
        assert " ".join(words.split())[-60:] in page, name


def test_nbconvert_writes_each_into_latex_without_another_program(book, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no inkscape
    tex, resources = LatexExporter().from_notebook_node(book)
    assert "Conv1d(10, 16, 3)" in tex.replace(r"\PYZob{}", "").replace("{", "").replace("}", "")
    pictures = [name for name in resources["outputs"] if name.endswith((".pdf", ".png"))]
    drawn = PICTURES - {"explorer"}  # which is a line of words here
    assert len(pictures) == len(drawn)
    assert tex.count(r"\adjustimage") + tex.count(r"\includegraphics") >= len(drawn)


def test_text_of_a_model_stays_text(shown):
    html = shown["escaped"]["text/html"]
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
