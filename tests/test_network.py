"""The network explorer's Python: what it hands to the page, what it leaves alone and refuses."""

import base64
import contextlib
import io
import json
import re
import struct

import pytest
import torch
import torch.nn.functional as F
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from torch import nn

import convdocs
from convdocs import cli
from convdocs.explorer.embed import ExplorerError
from convdocs.explorer.network import NetworkExplorer


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )


def explored(*args, **kwargs) -> NetworkExplorer:
    found = convdocs.explore(*args, **kwargs)
    assert isinstance(found, NetworkExplorer)
    return found


def recorded(explorer, index, sample=0):
    tensor = explorer.data["tensors"][explorer.data["recorded"][sample][index]]
    raw = base64.b64decode(tensor["data"])
    return torch.tensor(struct.unpack(f"<{len(raw) // 4}f", raw)).reshape(tensor["shape"])


def test_a_network_is_recorded_call_by_call():
    net, x = small(), torch.randn(1, 1, 4, 4)
    found = explored(net, x)
    y = x
    for index, layer in enumerate(net):
        y = layer(y)
        torch.testing.assert_close(recorded(found, index), y)
    assert [call["op"]["op"] for call in found.data["calls"]] == [
        "conv", "relu", "max_pool", "reshape", "linear",
    ]  # fmt: skip
    assert found.data["live"]
    assert repr(found) == "<NetworkExplorer of Sequential: 5 calls>"


def test_nothing_of_the_users_changes():
    net = nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.Dropout(), nn.ReLU(inplace=True))
    net.train()
    x = torch.randn(3, 2, 8, requires_grad=True)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    attributes = [dict(module.__dict__) for module in net.modules()]
    version, state = x._version, torch.get_rng_state()
    explored(net, x)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert [module.__dict__ for module in net.modules()] == attributes
    assert net.training
    assert net[1].training
    assert (x._version, x.grad) == (version, None)
    assert torch.equal(state, torch.get_rng_state())


def test_a_batch_is_samples_to_pick():
    x = torch.randn(4, 1, 4, 4)
    data = explored(small(), x, labels=[7, 8, 9, 1], classes=["a", "b", "c"]).data
    assert (len(data["samples"]), data["labels"]) == (4, ["7", "8", "9", "1"])
    assert data["tensors"][data["inputs"][0]]["shape"] == [1, 1, 4, 4]
    assert data["batched"]


def test_channels_are_no_samples():
    three = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())
    data = explored(three, torch.randn(3, 5, 5)).data
    assert (len(data["samples"]), data["batched"]) == (1, False)
    with pytest.raises(ExplorerError, match="no batch of samples"):
        convdocs.explore(three, torch.randn(3, 5, 5), labels=[1, 2, 3])


class Odd(nn.Module):
    """A network with a call that the page cannot work out."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 2, 3)
        self.rnn = nn.GRU(6, 3, batch_first=True)

    def forward(self, x):
        return F.relu(self.rnn(self.conv(x))[0])


def test_a_call_that_the_page_does_not_know_is_named():
    x = torch.randn(2, 1, 8)
    found = explored(Odd(), x)
    assert (found.data["live"], found.data["stopped"]) == (False, 1)
    assert repr(found) == "<NetworkExplorer of Odd: 3 calls, recorded>"
    net = Odd()
    found = explored(net, x)
    for sample in (0, 1):
        last = recorded(found, 2, sample)
        torch.testing.assert_close(last, net(x[sample : sample + 1]), rtol=1e-4, atol=1e-5)
    with pytest.raises(ExplorerError, match=r"cannot work out call 1, GRU\(6, 3, .*\(rnn\)"):
        convdocs.explore(Odd(), x, record=False)


def test_functions_with_their_defaults_are_known():
    class Net(nn.Module):
        def forward(self, x):
            y = F.max_pool2d(F.relu(x, inplace=False), kernel_size=2, padding=1)
            y = F.avg_pool2d(input=y, kernel_size=2, stride=1)
            y = torch.cat((y, torch.add(y, 2, alpha=3)), dim=-3)
            y = y.permute(0, 2, 3, 1).transpose(-1, 1).contiguous()
            return torch.flatten(y, 1).view(1, -1).unsqueeze(0).squeeze(0).mean(dim=(0, 1))

    found = explored(Net(), torch.randn(1, 2, 6, 6))
    assert found.data["live"], found.trace.calls[found.data["stopped"]]


def test_a_weight_that_is_worked_out_from_others_is_a_weight():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3))
    found = explored(nn.Sequential(layer, nn.ReLU()), torch.randn(1, 1, 7))
    assert found.data["live"]
    kind, place = found.data["calls"][0]["op"]["weight"]
    assert kind == "tensor"
    assert found.data["tensors"][place]["shape"] == [2, 1, 3]


def test_dropout_that_is_on_is_not_alive():
    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5)

    assert explored(Net(), torch.randn(1, 4)).data["stopped"] == 0


def test_calls_chooses_what_the_page_holds():
    found = explored(small(), torch.randn(1, 1, 4, 4), calls=[0, "2"])
    assert [call["chosen"] for call in found.data["calls"]] == [True, False, True, False, False]
    assert [one is None for one in found.data["recorded"][0]] == [False, True, False, True, True]
    assert not found.data["live"]
    assert explored(small(), torch.randn(1, 1, 4, 4), calls=range(3)).data["live"]
    with pytest.raises(ExplorerError, match="calls names 'conv', which is no call of Sequential"):
        convdocs.explore(small(), torch.randn(1, 1, 4, 4), calls=["conv"])


def test_a_page_is_bounded():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    with pytest.raises(ExplorerError, match=r"the page would hold 110,\d+ numbers") as refused:
        convdocs.explore(net, torch.randn(1, 3, 66, 66))
    assert all(word in str(refused.value) for word in ("smaller input", "calls=", "record=False"))
    found = explored(net, torch.randn(1, 3, 66, 66), record=False)
    assert len(found._repr_html_()) < 1_500_000
    biggest = explored(nn.Sequential(nn.Linear(300, 300), nn.ReLU()), torch.randn(1, 300))
    assert len(biggest._repr_html_()) < 1_500_000


def test_names_cannot_become_markup():
    net = nn.Sequential()
    net.add_module("</script><img src=x onerror=alert(1)>", nn.Linear(2, 2))
    net.add_module("act", nn.ReLU())
    evil = "</script><b>&amp;"
    page = explored(net, torch.randn(1, 2), classes=[evil, "b"])._repr_html_()
    assert "<img src=x" not in page
    assert evil not in page
    block = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(block[1])["classes"][0] == evil


def test_a_still_picture_is_there_without_scripts():
    found = explored(small(), torch.randn(1, 1, 4, 4))
    page = re.sub(r"<script.*?</script>", "", found._repr_html_(), flags=re.DOTALL)
    alt = re.search(r'<svg role="img" aria-label="([^"]+)"', page)
    assert alt[1].startswith(
        "Shapes in Sequential: input (1, 1, 4, 4); 0 Conv2d(1, 2, 3, padding=1)"
    )
    assert "<figcaption>" in page
    assert found._repr_pdf_().startswith(b"%PDF")


def test_save_writes_a_page_by_itself(tmp_path):
    explored(small(), torch.randn(1, 1, 4, 4)).save(tmp_path / "net.html", title="A <net>")
    page = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>A &lt;net&gt;</title>" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


class Two(nn.Module):
    """A network of two inputs: the second one stays as it is."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3, padding=1)

    def forward(self, x, y):
        return torch.sub(y, self.conv(x)) * y


def test_a_second_input_is_a_constant():
    x, y = torch.randn(2, 1, 2, 6)
    data = explored(Two(), x, y).data
    assert [call["op"]["inputs"] for call in data["calls"]] == [
        [["call", -1]], [["call", -2], ["call", 0]], [["call", 1], ["call", -2]],
    ]  # fmt: skip
    assert [call["sources"] for call in data["calls"]] == [[-1], [-2, 0], [1, -2]]
    assert len(data["inputs"]) == 2


def test_the_command_writes_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(1, 2, 3), nn.ReLU())\n"
    )
    args = ["explore", "net.py:Net", "--input", "1,1,28,28", "-o", "net.html"]
    assert cli.main(args) == 0
    page = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert "<title>Net</title>" in page
    assert 'data-convdocs="network"' in page
    layer = ["explore", "conv1d", "--size", "7", "--kernel", "3", "--controls", "basic"]
    assert cli.main([*layer, "-o", "layer.html"]) == 0
    assert '"controls":"basic"' in (tmp_path / "layer.html").read_text(encoding="utf-8")
    with contextlib.redirect_stderr(io.StringIO()) as said:
        assert cli.main(["explore", "conv1d", "--kernel", "3"]) == 2
    assert "--size is needed for a layer, as 7 or 4x5; --input for a model" in said.getvalue()


PAGE = """
Page
====

.. network-explorer::
   :classes: a b
   :name: small
   :blocks: 2

   import torch
   from torch import nn
   net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
   net(torch.rand(1, 1, 4, 4))
"""


@pytest.mark.parametrize("builder", ["html", "text"])
def test_the_directive_puts_it_on_a_page(tmp_path, builder):
    (tmp_path / "conf.py").write_text(
        "extensions = ['convdocs.sphinxext']\nconvdocs_execute = True\n"
    )
    (tmp_path / "index.rst").write_text(PAGE)
    folders = [tmp_path, tmp_path, tmp_path / "out", tmp_path / "trees"]
    with patch_docutils(tmp_path), docutils_namespace():  # other tests build projects, too
        app = Sphinx(*folders, builder, status=None, warningiserror=True)
        app.build()
    figure = next(app.env.get_doctree("index").findall(nodes.figure))
    assert figure["ids"] == ["small"]
    if builder == "text":
        assert "Shapes in Sequential" in (tmp_path / "out" / "index.txt").read_text("utf-8")
        return
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])
    assert (data["classes"], data["blocks"], data["live"]) == (["a", "b"], 2, True)
    assert "network.js" in page
    assert (tmp_path / "out" / "_static" / "network.js").exists()


def test_a_mistake_in_the_directive_is_an_error_at_its_line(tmp_path):
    (tmp_path / "conf.py").write_text(
        "extensions = ['convdocs.sphinxext']\nconvdocs_execute = True\n"
    )
    (tmp_path / "index.rst").write_text(PAGE.replace("Linear(8", "Linear(9"))
    folders = [tmp_path, tmp_path, tmp_path / "out", tmp_path / "trees"]
    warning = io.StringIO()
    with patch_docutils(tmp_path), docutils_namespace():
        Sphinx(*folders, "html", status=None, warning=warning).build()
    assert "mat1 and mat2 shapes cannot be multiplied" in warning.getvalue()
    assert "index.rst:5" in warning.getvalue()
