"""An explained cell as a reader sees it: the written sum, and the table."""

import html.parser
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from convdocs import explain


def filled(layer, *weights, bias=None):
    layer.weight.data = torch.tensor(weights).reshape(layer.weight.shape)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


def test_the_notebooks_first_cell():
    torch.manual_seed(42)
    layer = nn.Conv1d(3, 2, 3)
    torch.manual_seed(42)
    x = torch.randn(2, 3, 4)
    assert str(explain(layer, x, (0, 0, 0))) == (
        "Conv1d(3, 2, 3), output cell (0, 0, 0)\n"
        "window on L 0 to 2\n"
        "channel 0  1.9269 ×  0.2548 +  1.4873 ×  0.2767 +  0.9007 × -0.0781  =  0.8322\n"
        "channel 1  0.6784 ×  0.3062 + -1.2345 × -0.0730 + -0.0431 ×  0.0673  =  0.2950\n"
        "channel 2  0.3559 × -0.1623 + -0.6866 ×  0.1958 + -0.4934 ×  0.2938  = -0.3371\n"
        "bias                                                                 = -0.1556\n"
        "sum                                                                  =  0.6345\n"
        "layer's own                                                          =  0.6345"
    )


def test_whole_numbers_are_whole_and_each_row_of_the_kernel_has_a_line():
    layer = filled(nn.Conv2d(1, 1, 2, bias=False), 0.0, 1.0, 2.0, 3.0)
    assert str(explain(layer, torch.arange(9.0).reshape(1, 3, 3), (0, 1, 1))) == (
        "Conv2d(1, 1, 2, bias=False), output cell (0, 1, 1)\n"
        "window on H 1 to 2, W 1 to 2\n"
        "channel 0    4 × 0 + 5 × 1\n"
        "           + 7 × 2 + 8 × 3  = 43\n"
        "sum                         = 43\n"
        "layer's own                 = 43"
    )


def test_padding_stands_in_brackets():
    layer = filled(nn.Conv1d(1, 1, 3, padding=1), 1.0, 2.0, 3.0, bias=[0.5])
    lines = str(explain(layer, torch.tensor([[4.0, 5.0, 6.0]]), (0, 0))).split("\n")
    assert lines[1] == "window on L -1 to 1"
    assert lines[2] == "channel 0  [0] × 1 + 4 × 2 + 5 × 3  = 23.0000"
    assert lines[-1] == "[ ] is padding"
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="replicate")
    cell = str(explain(layer, torch.tensor([[4.0, 5.0, 6.0]]), (0, 0)))
    assert "[4] ×" in cell
    assert cell.endswith("[ ] is padding, copied from the input (replicate)")


def test_what_a_transposed_layer_leaves_out_is_counted():
    layer = filled(nn.ConvTranspose1d(1, 1, 3, stride=2), 1.0, 2.0, 4.0, bias=[0.0])
    lines = str(explain(layer, torch.tensor([[3.0, 5.0]]), (0, 0))).split("\n")
    assert lines[1:3] == ["window on L -1 to 0", "channel 0  3 × 1  = 3"]
    assert lines[-1] == "taps left out: 1 between the input's cells, 1 past its edge"
    alone = filled(nn.ConvTranspose1d(1, 1, 1, stride=2), 1.0, bias=[0.5])
    assert "channel 0  no tap on an input cell  = 0.0000" in str(
        explain(alone, torch.randn(1, 2), (0, 1))
    )


X = torch.tensor([[1.0, -3.0, 2.0, 4.0, 0.5]])


@pytest.mark.parametrize(
    ("layer", "at", "lines"),
    [
        (
            nn.MaxPool1d(3, padding=1),
            (0, 0),
            [
                "channel 0  [-∞], 1, -3",
                "largest                 = 1",
                "layer's own             = 1",
                "[ ] is padding",
            ],
        ),
        (
            nn.AvgPool1d(3, padding=1, count_include_pad=False),
            (0, 0),
            [
                "channel 0  [0] + 1 + -3  = -2",
                "divided by 2             = -1",
                "layer's own              = -1",
                "[ ] is padding, which does not count",
            ],
        ),
        (
            nn.LPPool1d(2, 2, ceil_mode=True),
            (0, 0),
            [
                "channel 0  1^2 + (-3)^2  = 10.0000",
                "^(1/2)                   =  3.1623",
                "layer's own              =  3.1623",
            ],
        ),
        (
            nn.LPPool1d(2, 2, ceil_mode=True),
            (0, 2),
            [
                "channel 0  0.5000^2  = 0.2500",
                "times 2              = 0.5000",
                "^(1/2)               = 0.7071",
                "layer's own          = 0.7071",
                "taps left out: 1 past the padding, where ceil_mode lets the window reach",
                "an LPPool scales the sum up by what the edge cuts off its window",
            ],
        ),
        (
            nn.LPPool1d(-math.inf, 2),
            (0, 0),
            [
                "channel 0  |1|, |-3|",
                "smallest              = 1",
                "layer's own           = 1",
            ],
        ),
    ],
    ids=repr,
)
def test_pools_say_what_they_do(layer, at, lines):
    assert str(explain(layer, X, at)).split("\n")[2:] == lines


def test_an_unfold_copies():
    x = torch.arange(9.0).reshape(1, 3, 3)
    lines = str(explain(nn.Unfold(2), x, (1, 0))).split("\n")
    assert lines[2:] == ["channel 0  1  = 1", "layer's own   = 1"]


def test_many_channels_and_large_kernels_are_cut_short():
    torch.manual_seed(0)
    many = str(explain(nn.Conv1d(64, 1, 3), torch.randn(64, 5), (0, 0))).split("\n")
    assert [line.split("  ")[0] for line in many[2:8]] == [
        *(f"channel {number}" for number in range(4)),
        "…",
        "channel 63",
    ]
    assert "59 more channels" in many[6]
    large = str(explain(nn.AvgPool2d(30), torch.randn(1, 30, 30), (0, 0, 0))).split("\n")
    assert len(large) == 2 + 12 + 2
    assert large[-4].strip() == "+ … 169 more lines"


def test_the_sums_shown_add_up_to_the_value():
    torch.manual_seed(0)
    cell = explain(nn.Conv1d(64, 1, 3), torch.randn(64, 5), (0, 0))
    shown = [float(line.split("=")[1]) for line in str(cell).split("\n")[2:9]]
    assert sum(shown) == pytest.approx(cell.value, abs=1e-3)


def test_a_layer_that_does_something_besides_is_told():
    class Doubled(nn.Conv1d):
        def forward(self, x):
            return 2 * super().forward(x)

    cell = explain(Doubled(1, 1, 2), torch.randn(1, 3), (0, 0))
    told = "the two differ: Doubled does something besides, or its numbers have too few bits"
    assert str(cell).endswith(told)
    assert told in cell._repr_html_()


class Checker(html.parser.HTMLParser):
    """Counts tags and collects the words of every row."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.tags = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


def test_the_table_marks_padding_and_ends_with_the_layers_number():
    layer = filled(nn.Conv1d(1, 1, 3, padding=1), 1.0, 2.0, 3.0, bias=[1.0])
    page = Checker(explain(layer, torch.tensor([[4.0, 5.0, 6.0]]), (0, 0))._repr_html_())
    assert page.rows == [
        ["channel", "kernel", "input cell", "value", "weight", "product"],
        ["0", "0", "padding", "0", "1", "0"],
        ["0", "1", "(0, 0)", "4", "2", "8"],
        ["0", "2", "(0, 1)", "5", "3", "15"],
        ["bias", "1"],
        ["sum", "24"],
        ["layer's own", "24"],
    ]
    looks = [attrs.get("class") for tag, attrs in page.tags if tag == "tr"]
    assert looks == [None, "muted", None, None, None, None, None]
    (box,) = [attrs for tag, attrs in page.tags if attrs.get("class") == "scroll"]
    assert box["tabindex"] == "0"
    assert box["aria-label"].startswith("Conv1d(1, 1, 3, padding=1), output cell (0, 0)")


def test_copied_padding_names_the_cell_it_copies():
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular")
    text = explain(layer, torch.randn(1, 4), (0, 0))._repr_html_()
    assert "copy of (0, 3)" in text
    assert "hatched: padding, copied from the input (circular)" in text


def test_a_long_table_leaves_out_its_middle():
    torch.manual_seed(0)
    cell = explain(nn.Conv2d(64, 1, 3, padding=1), torch.randn(64, 5, 5), (0, 0, 0))
    page = Checker(cell._repr_html_())
    assert ["…", "516 more terms"] in page.rows
    assert len(page.rows) == 1 + 60 + 1 + 3
    for (tag, attrs), row in zip(
        [one for one in page.tags if one[0] == "tr"], page.rows, strict=True
    ):
        assert (attrs.get("class") == "muted") == ("padding" in row), (tag, row)


def test_names_are_escaped():
    evil = type("<img src=x onerror=alert(1)>", (nn.Conv1d,), {})
    text = explain(evil(1, 1, 1), torch.ones(1, 2), (0, 0))._repr_html_()
    assert "<img" not in text
    assert "&lt;img src=x" in text


def test_markdown_has_the_same_rows():
    layer = filled(nn.Conv1d(1, 1, 2), 1.0, 2.0, bias=[1.0])
    text = explain(layer, torch.tensor([[4.0, 5.0]]), (0, 0)).to_markdown()
    assert "| 0 | 1 | (0, 1) | 5 | 2 | 10 |" in text


ODD = st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0, 1e-9, 1e30, -2.5])
LAYERS = [
    nn.Conv1d(1, 1, 3, padding=1),
    nn.ConvTranspose1d(1, 1, 3, stride=2),
    nn.MaxPool1d(3, padding=1),
    nn.AvgPool1d(3, padding=1, ceil_mode=True),
    nn.LPPool1d(3, 2, ceil_mode=True),
    nn.LPPool1d(math.inf, 2),
]


@settings(max_examples=60)
@given(st.sampled_from(LAYERS), st.lists(ODD, min_size=4, max_size=4), st.integers(0, 1))
def test_any_number_is_written(layer, numbers, at):
    cell = explain(layer, torch.tensor([numbers]), (0, at))
    assert "layer's own" in str(cell)
    assert Checker(cell._repr_html_()).rows


def test_complex_numbers_are_written():
    layer = nn.Conv1d(1, 1, 1, bias=False, dtype=torch.complex64)
    layer.weight.data[:] = 2 + 1j
    text = str(explain(layer, torch.tensor([[1j]]), (0, 0)))
    assert "0.0000+1.0000j × 2.0000+1.0000j  = -1.0000+2.0000j" in text
