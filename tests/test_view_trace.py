"""How a trace looks: in a terminal, on a page, in Markdown."""

from __future__ import annotations

import html.parser
import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from convdocs.report import Call, Finding, Trace
from convdocs.tracing import TraceError, trace
from convdocs.view import markdown, page, tables, terminal


def net() -> nn.Module:
    conv = nn.Conv1d(4, 4, 3)
    return nn.Sequential(nn.Conv1d(1, 4, 4, stride=2), conv, conv, nn.Flatten(), nn.Linear(8, 2))


TABLE = """\
Layers of Sequential on an input of (2, 1, 15)
#  path  layer                      output     axes      params  MACs  field  step
─  ────  ─────────────────────────  ─────────  ─────  ─────────  ────  ─────  ────
0  0     Conv1d(1, 4, 4, stride=2)  (2, 4, 6)  N C L         20   192      4     2
1  1     Conv1d(4, 4, 3)            (2, 4, 4)  N C L         52   384      8     2
2  1     Conv1d(4, 4, 3)            (2, 4, 2)  N C L  – (as #1)   192     12     2
3  3     Flatten()                  (2, 8)     N F            –     –
4  4     Linear(8, 2)               (2, 2)     N F           18    32
─  ────  ─────────────────────────  ─────────  ─────  ─────────  ────  ─────  ────
         total                                               90   800

90 parameters, all trainable; 800 MACs; 360 B of parameters and buffers, 464 B of activations.

0 [dropped-border] Conv1d(1, 4, 4, stride=2) never reads cell 14 of the 15 along L: its last window
ends before. Pad the input by 1 at the end, or crop it on purpose.
""".splitlines()


def test_the_table_in_a_terminal():
    assert str(trace(net(), (2, 1, 15))).splitlines() == TABLE


class Block(nn.Module):
    """A convolution with a way around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x).relu()


class Deep(nn.Module):
    """Blocks in a list, one of them wider, and a head."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(1, 4, 3)
        self.blocks = nn.ModuleList(Block(4) for _ in range(blocks))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 8, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@pytest.fixture(scope="module")
def deep() -> Trace:
    return trace(Deep(30), (1, 1, 10))


def body(text: str) -> list[list[str]]:
    """The cells of a printed table's rows."""
    lines = text.split("\n\n")[0].splitlines()
    rules = [at for at, line in enumerate(lines) if line.startswith("─")]
    return [re.split(r" {2,}", line.strip()) for line in lines[rules[0] + 1 : rules[1]]]


def test_modules_are_a_tree_in_order_of_execution(deep: Trace):
    found = [(m.path, m.kind, m.depth, m.first, m.last) for m in deep.modules[:7]]
    assert found == [
        ("", "Deep", 0, 0, 92),
        ("stem", "Conv1d", 1, 0, 0),
        ("blocks.0", "Block", 1, 1, 3),
        ("blocks.0.conv", "Conv1d", 2, 1, 1),
        ("blocks.0", "relu", 2, 2, 2),
        ("blocks.0", "add", 2, 3, 3),
        ("blocks.1", "Block", 1, 4, 6),
    ]
    whole, block = deep.modules[0], deep.modules[2]
    assert (whole.params, whole.macs) == (deep.params, deep.macs)
    assert (block.params, block.macs) == (52, 3 * 4 * 4 * 8)
    assert (block.output_shapes, block.receptive_field[0].size) == (((1, 4, 8),), 5)


def test_a_container_gives_what_its_forward_returned_not_its_last_call():
    class Early(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            y = x.mean(-1)
            x.sum()
            return y, x

    class Idle(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x

    found = trace(nn.Sequential(Idle(), nn.Conv1d(1, 2, 3), Early()), (1, 1, 9)).modules
    idle, early = (next(m for m in found if m.kind == kind) for kind in ("Idle", "Early"))
    assert early.output_shapes == ((1, 2), (1, 2, 7))
    assert (idle.first, idle.last, idle.output_shapes) == (0, -1, ((1, 1, 9),))


def test_a_long_table_folds_what_repeats_and_its_rows_add_up(deep: Trace):
    rows = body(deep.to_text(columns=["path", "layer", "params", "MACs"]))
    assert rows == [
        ["stem", "Conv1d(1, 4, 3)", "16", "96"],
        ["blocks.0 to 29", "30 × Block", "1,560", "11,520"],
        ["conv", "30 × Conv1d(4, 4, 3, padding=1)", "1,560", "11,520"],
        ["(relu)", "30 × relu(x)", "–", "–"],
        ["(add)", "30 × x + y", "–", "–"],
        ["head", "Sequential", "66", "64"],
        ["0", "Flatten()", "–", "–"],
        ["1", "Linear(32, 2)", "66", "64"],
    ]
    assert "A row with n × sums n that are alike" in str(deep)
    numbers = [int(row[-2].replace(",", "").replace("–", "0")) for row in rows]
    assert numbers[0] + numbers[1] + numbers[5] == deep.params  # the outermost rows
    assert numbers[0] + sum(numbers[2:5]) + sum(numbers[6:]) == deep.params  # the innermost


def test_what_is_folded_can_be_unfolded(deep: Trace):
    assert len(body(deep.to_text(fold=False))) == 1 + 30 * 4 + 3
    assert len(body(deep.to_text(depth=1, fold=False))) == 1 + 30 + 1
    assert len(body(deep.to_text(depth=1, fold=True))) == 3
    assert len(body(str(trace(Deep(10), (1, 1, 10))))) == 1 + 10 * 4 + 3  # short: all of it


def test_layers_in_turns_are_folded_too():
    layers = [layer for _ in range(40) for layer in (nn.Linear(3, 3), nn.ReLU())]
    rows = body(trace(nn.Sequential(*layers), (1, 3)).to_text(columns=["path", "layer", "params"]))
    assert rows == [
        ["0 to 78", "40 × Linear(3, 3)", "480"],
        ["1 to 79", "40 × ReLU()", "–"],
    ]


@pytest.mark.parametrize("width", [16, 30, 44, 60, 80, 100, 140])
def test_nothing_is_wider_than_the_terminal_and_no_number_is_cut(deep: Trace, width: int):
    text = deep.to_text(width=width)
    assert max(map(terminal.text_width, text.splitlines())) <= width
    for number in ("1,560", "1,642"):
        assert number in text
    assert ("share" in text) == (width >= 80)
    assert "(1, 4, 8)" in text or width < 30


def test_columns_by_name():
    found = trace(nn.Sequential(nn.Conv2d(3, 8, (3, 5)), nn.BatchNorm2d(8)), (1, 3, 9, 9))
    head = found.to_text(columns=["Layer", "input", "kernel", "params", "share", "macs", "share"])
    assert head.splitlines()[1].split() == [
        "layer", "input", "kernel", "params", "share", "MACs", "share",
    ]  # fmt: skip
    assert body(head)[0] == [
        "Conv2d(3, 8, (3, 5))", "(1, 3, 9, 9)", "3×5", "368", "95.8 %", "12,600", "100.0 %",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="there is no column 'parms'; did you mean params"):
        found.to_text(columns=["parms"])
    for columns in (["share"], ["path", "share"]):
        with pytest.raises(ValueError, match="a share is one of params or MACs"):
            trace(nn.Linear(2, 3), (1, 2)).to_text(columns=columns)


def test_a_table_without_anything_to_add_up_has_no_row_of_totals():
    found = trace(nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU()), (1, 1, 9))
    for columns, summed in ((["layer", "output", "field"], False), (["layer", "MACs"], True)):
        shown = found.to_text(columns=columns), found.to_markdown(columns=columns)
        assert [("total" in text) for text in shown] == [summed, summed]


def test_only_what_the_chosen_columns_show_is_summed_up(deep: Trace):
    def last(*columns: str) -> str:
        return deep.to_text(columns=columns, width=200).splitlines()[-1]

    assert last("layer", "output").startswith("A row with n")
    assert last("layer", "params", "share") == "1,642 parameters."
    assert last("layer", "trainable", "MACs") == "1,642 parameters, all trainable; 11,680 MACs."
    assert last("memory") == "6.57 kB of parameters and buffers, 11.8 kB of activations."
    assert last().startswith("1,642 parameters, all trainable; 11,680 MACs; ")


def test_a_name_without_a_column_next_to_it_may_go(deep: Trace):
    text = deep.to_text(columns=["output", "path"], width=12)
    assert max(map(len, text.splitlines())) <= 12


def test_frozen_layers_are_marked():
    calls = (
        Call(0, "a", "Linear", "Linear(2, 2)", ((1, 2),), ((1, 2),), params=6, trainable=0),
        Call(1, "b", "Linear", "Linear(2, 2)", ((1, 2),), ((1, 2),), params=6, trainable=4),
        Call(2, "c", "Linear", "Linear(2, 2)", ((1, 2),), ((1, 2),), params=6, trainable=6),
    )
    found = Trace("Net", calls, params=18, trainable_params=10)
    assert [row[-1] for row in body(found.to_text(columns=["layer", "params"]))] == [
        "6 (frozen)", "6 (partly)", "6",
    ]  # fmt: skip


def test_what_is_frozen_is_seen_in_a_real_model(deep: Trace):
    model = Deep(2)
    model.blocks[0].requires_grad_(False)
    model.blocks[1].conv.bias.requires_grad_(False)
    found = trace(model, (1, 1, 10))
    rows = {row[0]: row for row in body(found.to_text(columns=["path", "params", "trainable"]))}
    assert rows["blocks.0"] == ["blocks.0", "52 (frozen)", "–"]
    assert rows["blocks.1"] == ["blocks.1", "52 (partly)", "48"]
    assert rows["stem"] == ["stem", "16", "16"]
    assert "Partly: some of these parameters are frozen." in str(found)
    assert "frozen" not in str(deep)


def test_dtypes_and_the_memory_of_outputs(deep: Trace):
    rows = body(deep.to_text(columns=["path", "dtype", "memory"]))
    assert rows[0] == ["stem", "float32", "128 B"]  # 4 channels of 8 numbers of 4 bytes
    assert rows[1] == ["blocks.0 to 29", "float32", "11.5 kB"]  # 30 x 3 such


def test_an_index_is_spelled_as_typed():
    class Cut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[..., :4][:, 0][None][0, ::2][-1][1:]

    assert [call.code for call in trace(Cut(), (3, 4, 9)).calls] == [
        "x[..., :4]", "x[:, 0]", "x[None]", "x[0, ::2]", "x[-1]", "x[1:]",
    ]  # fmt: skip


def test_a_gate_is_said():
    class Gate(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x.mean((2, 3), keepdim=True).sigmoid()

    text = str(trace(nn.Sequential(nn.Conv2d(1, 1, 3), Gate()), (1, 1, 9, 9)))
    assert "3 + all" in text
    assert "Field + all: through a gate, a cell reads all of the input as well." in text


def test_a_sum_of_which_some_is_not_known_has_a_sign():
    found = trace(nn.Sequential(nn.Linear(3, 3), Inverse()), (3, 3))
    text = str(found)
    assert re.search(r"^ +total +12 +≥ 27$", text, re.MULTILINE)
    assert "≥ 27 MACs" in text


class Inverse(nn.Module):
    """A function whose products are not counted."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linalg.inv(x)


def test_a_finding_about_several_layers_names_them_once(deep: Trace):
    finding = Finding("x", "blocks.0.conv", 1, "One is odd.", "Mend it.", places=(1, 4, 7))
    text = replace(deep, findings=(finding,)).to_text(width=200)
    assert text.endswith("Mend it. The same at blocks.1.conv and blocks.2.conv.")
    many = replace(finding, places=tuple(range(1, 90, 3)))
    assert "blocks.5.conv and 24 more." in replace(deep, findings=(many,)).to_text(width=400)


def test_what_is_not_known_is_said():
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.inv(x * 0 + torch.eye(3)) if x.sum() > -9 else x

    text = str(trace(nn.Sequential(nn.LazyLinear(3), Odd()), torch.ones(3, 3)))
    assert "uninitialised" in text
    assert "Run on real tensors, since bool() needs values." in text


def test_why_a_count_is_missing():
    class Inverting(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return torch.linalg.inv(x) + y

    text = str(trace(Inverting(), (3, 3), (3, 3)))
    assert text.startswith("Layers of Inverting on inputs of (3, 3) and (3, 3)\n")
    assert "MACs of #0 linalg_inv(x) not counted: linalg_inv_ex." in text
    assert text.splitlines()[3].split()[-2:] == ["–", "?"]


def test_axes_that_differ_are_told_apart():
    found = trace(nn.Sequential(nn.Conv2d(1, 1, (3, 5), stride=(1, 2))), (1, 1, 9, 9))
    assert body(str(found))[0][-2:] == ["3 × 5", "1 × 2"]


def test_a_bound_has_a_sign():
    found = trace(nn.Sequential(nn.Conv1d(1, 1, 1), nn.Upsample(scale_factor=1.3)), (1, 1, 9))
    assert body(str(found))[1][-2:] == ["≤ 4", "≈ 0.7692"]  # 1 / 1.3 has no short fraction


class Page(html.parser.HTMLParser):
    """Collects the tags, and the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "input":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if "style" in self.open else data


NASTY = '</code><script>alert("&")</script>'


def nasty() -> Trace:
    call = Call(0, NASTY, NASTY, NASTY, ((1,),), ((1,),), params_note="shared with call 3")
    return Trace(NASTY, (call,), findings=(Finding("x", NASTY, 0, NASTY, NASTY),), notes=(NASTY,))


def test_text_from_the_model_is_escaped_in_html():
    seen = Page()
    seen.feed(nasty()._repr_html_())
    assert seen.open == []
    assert "script" not in seen.tags
    assert seen.text.count(NASTY) == 7  # caption, path, layer, note, and thrice in the finding
    seen = Page()
    seen.feed(nasty().findings[0]._repr_html_())
    assert "script" not in seen.tags


def test_the_page_is_made_for_keyboards_and_screen_readers():
    written = trace(net(), (2, 1, 15))._repr_html_()
    label = "Layers of Sequential on an input of (2, 1, 15)"
    assert f'tabindex="0" role="group" aria-label="{label}"' in written
    assert written.count('<th scope="col"') == 9
    assert written.count("<input") == 0  # nothing to fold


def test_a_page_opens_and_shuts_every_container(deep: Trace):
    written = deep.to_html()
    boxes = re.findall(r'<input type="checkbox"( checked)? aria-label="([^"]+)">', written)
    assert boxes == [
        (" checked", "Show the inside of blocks.0 to 29 30 × Block"),
        (" checked", "Show the inside of head Sequential"),
    ]
    assert ".convdocs .r1:has(input:not(:checked))~.i1{display:none}" in written
    assert written.count('<tr class="i1"><td') == 3  # what is inside a block
    for options in ({"depth": 1}, {}):  # all of 123 rows are not to be open at first
        shut = re.findall("<input[^>]*>", deep.to_html(fold=False, **options))
        assert len(shut) == 30 + 1
        assert not any("checked>" in box for box in shut)


def test_markdown():
    lines = trace(net(), (2, 1, 15)).to_markdown().splitlines()
    assert lines[0] == "Layers of Sequential on an input of (2, 1, 15)"
    assert lines[4] == (
        "| 0 | `0` | `Conv1d(1, 4, 4, stride=2)` | `(2, 4, 6)` | N C L | 20 | 192 | 4 | 2 |"
    )
    assert "<script>" not in nasty().to_markdown().replace(f"`{NASTY}`", "")
    assert "a\\|b" in markdown.to_markdown(
        [tables.Table((tables.Column("x", code=True),), (("a|b",),), "")]
    )


def test_markdown_has_whole_paths(deep: Trace):
    lines = deep.to_markdown(columns=["path", "layer"]).splitlines()
    assert lines[5] == "| `blocks.0 to 29` | `30 × Block` |"
    assert lines[6].startswith("| `blocks.0.conv to 29.conv` |")


def test_backticks_stay_inside_their_code_span():
    assert markdown.markdown_code("a`b``c") == "``` a`b``c ```"
    assert markdown.markdown_code("") == ""


def test_a_terminal_gets_no_control_characters():
    table = tables.Table((tables.Column("x"),), (("a\x1b[31m\nb",),), "")
    assert "\x1b" not in terminal.to_text([table])
    assert terminal.text_width("é\u0301卷") == 3


def test_the_message_of_a_failure():
    with pytest.raises(TraceError) as raised:
        trace(net(), (2, 1, 20))
    lines = str(raised.value).splitlines()
    assert lines[0] == "4: Linear(8, 2) failed on input (2, 20)"
    assert lines[-1] == ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x20 and 8x2)")
    assert any(line.endswith("✗ failed  ◀") for line in lines)


def test_a_failure_shows_the_last_twenty_calls_and_folds_those_above():
    with pytest.raises(TraceError) as raised:
        trace(Deep(30), (1, 1, 11))
    lines = str(raised.value).split("\n\n")[1].splitlines()[3:]
    assert [re.search(r"\d+ calls", line)[0] for line in lines if "before" in line] == [
        "70 calls", "2 calls",
    ]  # fmt: skip
    assert lines[-1].rstrip(" ◀").endswith("✗ failed")
    calls = [line for line in lines[3:-1] if "Block" not in line and "Sequential" not in line]
    assert len(calls) == 20


def test_marked_rows():
    table = tables.Table((tables.Column("x"),), (("a",), ("b",)), "", marked=frozenset({1}))
    assert '<tr class="marked"><td>b</td></tr>' in page.to_html([table])
    assert terminal.to_text([table]).splitlines()[-1] == "b  ◀"
