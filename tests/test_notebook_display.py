"""What a notebook shows for a trace, an explanation, a diagnosis, a finding and an explorer."""

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "set up": "import torch, convdocs\nfrom torch import nn\nnet = nn.Sequential(nn.MaxPool2d(2))",
    "trace": "convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))",
    "explanation": "convdocs.explain(nn.AvgPool1d(2), torch.tensor([[1.0, 3.0]]), (0, 0))",
    "diagnosis": "convdocs.diagnose(nn.Conv1d(3, 2, 3), torch.zeros(2, 5, 3))",
    "finding": "convdocs.trace(net, (2, 32, 6)).findings[0]",
    "explorer": "convdocs.explore(nn.Conv1d(1, 1, 3), torch.ones(1, 7))",
    "picture": "from convdocs import draw\ndraw.layer(nn.AvgPool1d(2), torch.ones(1, 4))",
    "walk": "draw.animate(nn.AvgPool1d(2), torch.ones(1, 4))",
    "escaped": (
        "net = nn.Sequential(); net.add_module('<img src=x onerror=alert(1)>', nn.ReLU())\n"
        "convdocs.trace(net, (2, 3))"
    ),
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What each cell displays, by kind of content, after a real kernel has run them."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(one) for one in CELLS.values()]
    )
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    NotebookClient(book, timeout=120, kernel_name="python3", resources=where).execute()
    return {
        name: [
            dict(output.data) for output in cell.outputs if output.output_type == "execute_result"
        ]
        for name, cell in zip(CELLS, book.cells, strict=True)
    }


@pytest.mark.parametrize(
    ("name", "html", "text"),
    [
        ("trace", "<code>Conv1d(10, 16, 3)</code></td>", "Conv1d(10, 16, 3)  (2, 16, 5)"),
        ("explanation", "AvgPool1d(2)", "AvgPool1d(2)"),
        (
            "diagnosis",
            "<strong>Cause:</strong> The input (2, 5, 3) has C=5",
            "x = x.permute(0, 2, 1)",
        ),
        ("finding", "MaxPool2d", "[batch-as-channels]"),
        ("explorer", "<script>", "<Explorer of Conv1d(1, 1, 3) on x (1, 7)>"),
    ],
)
def test_each_result_shows_as_html_and_as_text(shown, name, html, text):
    (result,) = shown[name]
    assert html in result["text/html"]
    assert text in result["text/plain"]


def test_a_picture_shows_itself_in_a_kernel_that_was_told_nothing(shown):
    (result,) = shown["picture"]
    assert (
        '<svg role="img" aria-label="AvgPool1d(2) on an input of shape (1, 4)'
        in (result["text/html"])
    )
    assert "light-dark(" in result["text/html"]
    assert result["image/svg+xml"].startswith("<svg")


def test_an_animation_shows_itself_as_a_player(shown):
    (result,) = shown["walk"]
    assert 'class="cv-picture cv-player"' in result["text/html"]
    assert "<script>" in result["text/html"]


def test_text_of_a_model_stays_text(shown):
    (result,) = shown["escaped"]
    assert "<img" not in result["text/html"]
    assert "&lt;img src=x onerror=alert(1)&gt;" in result["text/html"]
