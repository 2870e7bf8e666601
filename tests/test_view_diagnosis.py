"""A diagnosis as text, as HTML and as a note."""

from __future__ import annotations

import pytest

from convdocs.report import Call, Diagnosis, Fix

KNOWN = Diagnosis(
    code="channels-mismatch",
    path="net.0",
    message="expected <3> channels",
    cause="The input has C=4 & the layer expects C=3.",
    fixes=(
        Fix("Move the channels.", "x = x.permute(0, 2, 1)\ny = layer(x)", True),
        Fix("Build another layer.", "layer = nn.Conv1d(4, 2, 3)", False),
    ),
    url="errors/inputs.html#channels-mismatch",
    error="RuntimeError",
    call=Call(0, "net.0", "Conv1d", "Conv1d(3, 2, 3)", (), ()),
)
UNKNOWN = Diagnosis("unknown", "", "odd words", "")


def test_text_says_everything_once() -> None:
    said = str(KNOWN)
    assert said == KNOWN.to_text()
    for part in (KNOWN.message, KNOWN.cause, "net.0 (Conv1d(3, 2, 3))", "RuntimeError says:"):
        assert said.count(part) == 1
    assert "More: convdocs errors channels-mismatch" in said
    assert KNOWN.url not in said, "a path that leads nowhere from a terminal"
    assert "Fix (verified): Move the channels." in said
    assert "Fix (not verified in the whole model): Build another layer." in said
    assert "    x = x.permute(0, 2, 1)\n    y = layer(x)" in said


def test_an_error_without_words_says_nothing() -> None:
    silent = Diagnosis("unknown", "", "", "", error="StopIteration")
    assert "StopIteration says: nothing" in str(silent)


def test_html_is_escaped_and_complete() -> None:
    page = KNOWN._repr_html_()
    assert "expected &lt;3&gt; channels" in page
    assert "C=4 &amp; the layer" in page
    assert "<3>" not in page
    assert page.count("<pre>") == 2


def test_note_has_the_cause_the_first_fix_and_the_address() -> None:
    assert KNOWN.note().splitlines() == [
        "convdocs: channels-mismatch in net.0 (Conv1d(3, 2, 3))",
        "  The input has C=4 & the layer expects C=3.",
        "  Move the channels.",
        "      x = x.permute(0, 2, 1)",
        "      y = layer(x)",
        "  More: convdocs errors channels-mismatch",
    ]


def test_where_the_documentation_has_an_address_the_link_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("convdocs.view.records._address", lambda: "https://docs.example/")
    whole = "https://docs.example/errors/inputs.html#channels-mismatch"
    assert f"convdocs errors channels-mismatch or {whole}" in str(KNOWN)


def test_an_unknown_error_keeps_torchs_words_and_says_so() -> None:
    assert "odd words" in str(UNKNOWN)
    assert "convdocs does not know this error" in str(UNKNOWN)
    assert UNKNOWN.note() == "convdocs: unknown\n  This error is not in its catalogue."
    assert "More" not in str(UNKNOWN)
