"""How a trace looks: in a terminal, on a page, in Markdown."""

from __future__ import annotations

import html.parser

import pytest
import torch
from torch import Tensor, nn

from convdocs.report import Call, Finding, Trace
from convdocs.tracing import TraceError, trace
from convdocs.view import tables
from convdocs.view import trace as view


def net() -> nn.Module:
    conv = nn.Conv1d(4, 4, 3)
    return nn.Sequential(nn.Conv1d(1, 4, 4, stride=2), conv, conv, nn.Flatten(), nn.Linear(8, 2))


TABLE = """\
Sequential((2, 1, 15))
#  path  layer                      output     axes      params  MACs  field  step
─  ────  ─────────────────────────  ─────────  ─────  ─────────  ────  ─────  ────
0  0     Conv1d(1, 4, 4, stride=2)  (2, 4, 6)  N C L         20   192      4     2
1  1     Conv1d(4, 4, 3)            (2, 4, 4)  N C L         52   384      8     2
2  1     Conv1d(4, 4, 3)            (2, 4, 2)  N C L  – (as #1)   192     12     2
3  3     Flatten()                  (2, 8)     N F            –     –
4  4     Linear(8, 2)               (2, 2)     N F           18    32
─  ────  ─────────────────────────  ─────────  ─────  ─────────  ────  ─────  ────
         total                                               90   800

90 parameters, all trainable; 360 B of parameters and buffers, 464 B of activations.

0 [dropped-border] Conv1d(1, 4, 4, stride=2) never reads cell 14 of the 15 along L: its last \
window ends before. Pad the input by 1 at the end, or crop it on purpose.
""".splitlines()


def test_the_table_in_a_terminal():
    assert str(trace(net(), (2, 1, 15))).splitlines() == TABLE


def test_what_is_not_known_is_said():
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.inv(x * 0 + torch.eye(3)) if x.sum() > -9 else x

    told = str(trace(nn.Sequential(nn.LazyLinear(3), Odd()), torch.ones(3, 3)))
    assert "uninitialised" in told
    assert "Run on real tensors, since bool() needs values." in told


def test_why_a_count_is_missing():
    told = str(trace(nn.Bilinear(3, 3, 3), (2, 3), (2, 3)))
    assert "MACs of #0 not counted: _trilinear." in told
    assert told.splitlines()[3].endswith("30     ?")


def test_axes_that_differ_are_told_apart():
    told = trace(nn.Sequential(nn.Conv2d(1, 1, (3, 5), stride=(1, 2))), (1, 1, 9, 9))
    assert view.row(told.calls[0])[-2:] == ("3 × 5", "1 × 2")


def test_a_bound_has_a_sign():
    told = trace(nn.Sequential(nn.Conv1d(1, 1, 1), nn.Upsample(scale_factor=1.3)), (1, 1, 9))
    assert view.row(told.calls[1])[-2].startswith("≤ ")


class Page(html.parser.HTMLParser):
    """Collects the tags, and the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
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
    page = Page()
    page.feed(nasty()._repr_html_())
    assert page.open == []
    assert "script" not in page.tags
    assert page.text.count(NASTY) == 7  # caption, path, layer, note, and thrice in the finding
    page = Page()
    page.feed(nasty().findings[0]._repr_html_())
    assert "script" not in page.tags


def test_the_page_is_made_for_keyboards_and_screen_readers():
    made = trace(net(), (2, 1, 15))._repr_html_()
    assert 'tabindex="0" role="group" aria-label="Sequential((2, 1, 15))"' in made
    assert made.count('<th scope="col"') == len(view.COLUMNS)
    assert made.count("<style>") == 1


def test_markdown():
    lines = trace(net(), (2, 1, 15)).to_markdown().splitlines()
    assert lines[0] == "Sequential((2, 1, 15))"
    assert lines[4] == (
        "| 0 | `0` | `Conv1d(1, 4, 4, stride=2)` | `(2, 4, 6)` | N C L | 20 | 192 | 4 | 2 |"
    )
    assert "<script>" not in nasty().to_markdown().replace(f"`{NASTY}`", "")
    assert "a\\|b" in tables.to_markdown(
        [tables.Table((tables.Column("x", code=True),), (("a|b",),), "")]
    )


def test_backticks_stay_inside_their_code_span():
    assert tables.markdown_code("a`b``c") == "``` a`b``c ```"
    assert tables.markdown_code("") == ""


def test_a_terminal_gets_no_control_characters():
    table = tables.Table((tables.Column("x"),), (("a\x1b[31m\nb",),), "")
    assert "\x1b" not in tables.to_text([table])
    assert tables.text_width("é\u0301卷") == 3


def test_the_message_of_a_failure():
    with pytest.raises(TraceError) as raised:
        trace(net(), (2, 1, 20))
    lines = str(raised.value).splitlines()
    assert lines[0] == "4: Linear(8, 2) failed on input (2, 20)"
    assert lines[-1] == ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x20 and 8x2)")
    assert any(line.endswith("✗ failed  ◀") for line in lines)


def test_marked_rows():
    table = tables.Table((tables.Column("x"),), (("a",), ("b",)), "", marked=frozenset({1}))
    assert '<tr class="marked"><td>b</td></tr>' in tables.to_html([table])
    assert tables.to_text([table]).splitlines()[-1] == "b  ◀"
