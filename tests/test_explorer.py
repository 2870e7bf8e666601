"""The explorer's Python: what it hands to the script, and what it refuses."""

import gzip
import json
import re
import subprocess
import sys

import pytest
import torch
from torch import nn

import convdocs
from convdocs.draw import palette
from convdocs.explorer import bundle, embed


def data_in(page: str) -> dict:
    """What the element hands to the script."""
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_an_explorer_is_a_page_part_by_itself():
    page = convdocs.explore(nn.Conv1d(3, 2, 3), torch.randn(2, 3, 7))._repr_html_()
    assert "window.ConvExplorer" in page
    assert not re.search(r"(src|href)\s*=\s*[\"'](https?:)?//", page)
    assert data_in(page)["setting"]["shape"] == [2, 3, 7]


def test_the_script_and_style_can_stand_in_an_element():
    script = bundle.script("explorer")
    assert "</script" not in script
    assert "<!--" not in script
    assert "</style" not in bundle.style("explorer")


def test_together_they_are_under_thirty_kilobytes():
    stock = bundle.as_json(bundle.samples())
    script = bundle.script("explorer")
    assert stock in script
    assert len(gzip.compress(script.replace(stock, "").encode(), 9)) < 30_000
    assert len(gzip.compress(stock.encode(), 9)) < 3_000


def test_the_script_is_packed_from_its_files():
    assert bundle.packed("explorer"), "a file under js/ has changed: run `nox -s pack`"


def test_a_changed_file_is_taken_before_the_packed_script(monkeypatch):
    monkeypatch.setitem(bundle.FILES, "explorer", bundle.FILES["explorer"][:-1])
    assert bundle.packed("explorer") is None


def test_text_in_the_data_cannot_end_the_element():
    sly = {"kind": "Conv1d", "values": "</script><script>alert(1)</script>", "mode": "<!--&"}
    page = embed.Explorer("", {"setting": sly}).markup('"><b>')
    assert page.count("</script>") == 2
    assert "<!--" not in page
    assert "<b>" not in page
    assert data_in(page)["setting"]["values"] == sly["values"]


def test_numbers_without_a_json_form_survive():
    x = torch.tensor([[1.0, float("nan"), float("inf"), -float("inf")]])
    data = data_in(convdocs.explore(nn.MaxPool1d(2), x)._repr_html_())
    assert data["own"]["x"]["data"] == [1.0, "nan", "inf", "-inf"]


def test_float32_numbers_come_back_exactly():
    x = torch.randn(1, 500)
    data = convdocs.explore(nn.Conv1d(1, 1, 3), x).data["own"]["x"]["data"]
    assert torch.equal(torch.tensor(data), x.flatten())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floats_are_taken(dtype):
    explorer = convdocs.explore(nn.Conv1d(1, 1, 2).to(dtype), torch.ones(1, 4, dtype=dtype))
    assert explorer.data["own"]["x"]["data"] == [1.0] * 4


def test_the_layer_is_left_as_it_was():
    layer, state = nn.Conv2d(1, 1, 3), torch.get_rng_state()
    before = layer.weight.clone()
    convdocs.explore(layer, torch.randn(1, 5, 5).requires_grad_())._repr_html_()
    state_after = torch.get_rng_state()
    assert torch.equal(layer.weight, before)
    assert layer.weight.requires_grad
    torch.set_rng_state(state)
    torch.randn(1, 5, 5)
    assert torch.equal(torch.get_rng_state(), state_after)


def test_a_layer_that_torch_refuses_is_taken():
    explorer = convdocs.explore(nn.Conv1d(3, 2, 3), torch.zeros(4))
    assert explorer.data["setting"]["shape"] == [4]


def test_every_option_is_handed_over():
    layer = nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), 1, (1, 0), 2, False, (1, 2))
    assert embed.case(layer, (4, 5, 5)) == {
        "kind": "ConvTranspose2d",
        "shape": [4, 5, 5],
        "values": "notebook",
        "kernel": [3, 2],
        "stride": [2, 1],
        "padding": [1, 1],
        "dilation": [1, 2],
        "outputPadding": [1, 0],
        "in": 4,
        "out": 6,
        "groups": 2,
        "mode": "zeros",
        "bias": False,
    }
    pool = embed.case(nn.AvgPool2d(2, ceil_mode=True, divisor_override=3), (1, 4, 4))
    assert (pool["ceil"], pool["countPad"], pool["divisor"]) == (True, True, 3)
    assert embed.case(nn.Conv1d(1, 1, 3, padding="same"), (1, 4))["padding"] == "same"


class Doubled(nn.Conv1d):
    def forward(self, x):
        return super().forward(x) * 2


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.Conv1d(1, 1, 3), (1, 40000), "x has 40,000 numbers; the explorer takes up to 32,768"),
        (nn.Conv1d(1, 1, 3), (0, 5), "holds no numbers"),
        (nn.Conv1d(1, 1, 3), (), "x has 0 axes"),
        (nn.Conv2d(64, 64, 5), (64, 8, 8), "weight has 102,400 numbers"),
    ],
)
def test_what_it_cannot_show_is_said(layer, shape, message):
    with pytest.raises(embed.ExplorerError, match=re.escape(message)):
        convdocs.explore(layer, torch.zeros(shape))


@pytest.mark.parametrize("layer", [nn.Linear(3, 2), Doubled(1, 1, 3), nn.Conv3d(1, 1, 3)])
def test_a_layer_of_another_kind_is_a_network(layer):
    with pytest.raises(embed.ExplorerError, match="cannot be explored; these can: Conv1d"):
        embed.explore(layer, torch.zeros(1, 3))
    x = torch.zeros(1, 1, 3, 3, 3) if isinstance(layer, nn.Conv3d) else torch.zeros(1, 1, 3)
    assert repr(convdocs.explore(layer, x)).startswith("<NetworkExplorer of ")


@pytest.mark.parametrize("x", [torch.zeros(1, 5, dtype=torch.int64), torch.zeros(1, 5).to("meta")])
def test_an_input_without_plain_numbers_is_refused(x):
    with pytest.raises(embed.ExplorerError, match="has no plain numbers"):
        convdocs.explore(nn.Conv1d(1, 1, 3), x)


def test_python_and_script_know_the_same_bounds():
    source = bundle.source("explorer")
    assert f"numbers: {embed.MOST_NUMBERS}" in source
    assert f"weights: {embed.MOST_WEIGHTS}" in source


@pytest.mark.parametrize(
    ("variable", "role"),
    [
        ("input", "input"),
        ("read", "read"),
        ("padding", "padding"),
        ("kernel", "kernel"),
        ("product", "product"),
        ("output", "output"),
        ("lit", "lit"),
        ("ink", "ink"),
        ("muted", "muted"),
        ("window", "window"),
        ("frame", "lit frame"),
    ],
)
def test_its_colours_are_those_of_the_pictures(variable, role):
    style = bundle.style("explorer")
    light, dark = palette.ROLES[role]
    assert f"--cx-{variable}: light-dark({light}, {dark});" in style


def test_the_notebooks_numbers_are_those_that_torch_draws():
    for dims, kind, shape in (("1", nn.Conv1d, (2, 3, 4)), ("2", nn.Conv2d, (3, 4, 5))):
        torch.manual_seed(42)
        layer = kind(3, 2, 3)
        torch.manual_seed(42)
        drawn = {"x": torch.randn(shape), "weight": layer.weight, "bias": layer.bias}
        for name, tensor in bundle.samples()["notebook"][dims].items():
            assert torch.equal(torch.tensor(tensor["data"]).reshape(tensor["shape"]), drawn[name])


def test_the_digits_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    images, target = datasets.load_digits(return_X_y=True)
    for digit, text in enumerate(bundle.samples()["digits"]):
        first = images[list(target).index(digit)]
        assert [int(sign, 32) for sign in text] == first.astype(int).tolist()


def test_making_a_page_needs_no_matplotlib():
    code = (
        "import sys, torch, convdocs\n"
        "convdocs.explore(torch.nn.Conv1d(1, 1, 3), torch.zeros(1, 5))._repr_html_()\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("at", [(0, 5), (2, 0), (0,), (0, 0, 0)])
def test_a_cell_outside_of_the_output_is_refused(at):
    with pytest.raises(embed.ExplorerError, match=r"the output of Conv1d\(1, 2, 3\) has shape"):
        convdocs.explore(nn.Conv1d(1, 2, 3), torch.ones(1, 7), at=at)


def test_an_explorer_is_one_short_line_of_text():
    explorer = convdocs.explore(nn.Conv2d(8, 8, 3, padding=1), torch.zeros(1, 8, 28, 28))
    assert repr(explorer) == "<Explorer of Conv2d(8, 8, 3, padding=1) on x (1, 8, 28, 28)>"


def test_a_level_that_there_is_not_is_refused():
    with pytest.raises(embed.ExplorerError, match="controls='some' is none of none, basic, all"):
        convdocs.explore(nn.MaxPool1d(2), torch.ones(1, 4), controls="some")


def test_a_still_table_has_the_numbers_of_explain():
    torch.manual_seed(0)
    layer, x = nn.Conv2d(5, 2, 2), torch.randn(2, 5, 3, 3)
    still = convdocs.explore(layer, x, at=(1, 1, 0, 1)).still
    assert "Conv2d(5, 2, 2), output cell (1, 1, 0, 1)" in still
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in still.split("<tr")]
    assert [row[3] for row in rows[2:22]] == [f"{v:.4f}" for v in x[1, :, :2, 1:].flatten()]
    assert rows[-1][-1] == f"{layer(x)[1, 1, 0, 1]:.4f}"


def test_a_saved_page_is_headed_by_the_layer(tmp_path):
    convdocs.explore(nn.MaxPool1d(2), torch.ones(1, 4)).save(tmp_path / "pool.html")
    page = (tmp_path / "pool.html").read_text(encoding="utf-8")
    assert "<h1>MaxPool1d(2)</h1>" in page
    assert data_in(page)["setting"]["kind"] == "MaxPool1d"
