"""A Trace as a table: for a terminal, a web page, a Markdown file."""

from __future__ import annotations

from collections.abc import Callable

from convdocs.receptive import AxisField
from convdocs.report import Call, Finding, Trace
from convdocs.view.tables import Column, Paragraph, Part, Table, to_html, to_markdown, to_text

COLUMNS = (
    Column("#", "right"),
    Column("path", code=True),
    Column("layer", code=True),
    Column("output", code=True),
    Column("axes"),
    Column("params", "right"),
    Column("MACs", "right"),
    Column("field", "right"),
    Column("step", "right"),
)


def text(trace: Trace) -> str:
    """The trace for a terminal."""
    return to_text(parts(trace))


def markdown(trace: Trace) -> str:
    """The trace in Markdown."""
    return to_markdown(parts(trace))


def html(trace: Trace) -> str:
    """The trace as an HTML fragment."""
    return to_html(parts(trace))


def parts(trace: Trace) -> list[Part]:
    """The table, what it sums up to, what could not be told, and the findings."""
    totals = ("", "", "total", "", "", number(trace.params), number(trace.macs), "", "")
    table = Table(COLUMNS, tuple(row(call) for call in trace.calls), caption(trace), totals)
    said = [Paragraph(memory(trace)), *map(Paragraph, remarks(trace))]
    return [table, *said, *map(note, trace.findings)]


def caption(trace: Trace) -> str:
    """What the table shows: the model and the shapes of its inputs."""
    shapes = ", ".join(map(str, trace.input_shapes))
    return f"{trace.model}({shapes})" if shapes else trace.model


def row(call: Call) -> tuple[str, ...]:
    """One call's cells."""
    return (
        str(call.index),
        call.path,
        call.code,
        ", ".join(map(str, call.output_shapes)),
        call.axes,
        parameters(call),
        number(call.macs),
        along(call.receptive_field, field_size),
        along(call.receptive_field, field_step),
    )


def parameters(call: Call) -> str:
    """The parameters counted here, and with which call they are shared."""
    if call.params is None:
        return call.params_note
    shared = call.params_note.replace("shared with call ", "as #")
    return f"{number(call.params)} ({shared})" if shared else number(call.params)


def along(fields: tuple[AxisField, ...], tell: Callable[[AxisField], str]) -> str:
    """One word for all axes where they agree, else one for each."""
    told = [tell(field) for field in fields]
    return told[0] if len(set(told)) == 1 else " × ".join(told)


def number(count: int | None) -> str:
    """A count with separators; a dash for none at all, a question mark for not known."""
    if count is None:
        return "?"
    return f"{count:,}" if count else "–"


def field_size(one: AxisField) -> str:
    """The receptive field's size, with a sign for a bound."""
    if one.size is None:
        return "?"
    return f"≤ {one.size}" if one.status == "upper bound" else str(one.size)


def field_step(one: AxisField) -> str:
    """The step from one cell's field to its neighbour's."""
    return "?" if one.stride is None else str(one.stride)


def memory(trace: Trace) -> str:
    """Parameters' and activations' memory in one line."""
    some = "all" if trace.trainable_params == trace.params else f"{trace.trainable_params:,}"
    held, made = size(trace.parameter_bytes), size(trace.activation_bytes)
    return (
        f"{trace.params:,} parameters, {some} trainable; "
        f"{held} of parameters and buffers, {made} of activations."
    )


def size(count: int) -> str:
    """Bytes in a unit that keeps the number short.

    Examples
    --------
    >>> size(999), size(13_500), size(2_000_000_000_000)
    ('999 B', '13.5 kB', '2 TB')
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def remarks(trace: Trace) -> list[str]:
    """How the model was run, where not on shapes, and why a count is missing."""
    reasons: dict[str, list[str]] = {}
    for call in trace.calls:
        if call.macs_note:
            reasons.setdefault(call.macs_note, []).append(f"#{call.index}")
    missing = [f"MACs of {', '.join(where)} {why}." for why, where in reasons.items()]
    return [*(f"{word[0].upper()}{word[1:]}." for word in trace.notes), *missing]


def note(finding: Finding) -> Paragraph:
    """A finding as a paragraph."""
    place = finding.path or "(model)"
    return Paragraph(f"{finding.sentence} {finding.fix}", lead=f"{place} [{finding.code}]")


def finding_html(finding: Finding) -> str:
    """One finding as an HTML fragment."""
    return to_html([note(finding)])


def failure(trace: Trace, call: Call, error: Exception) -> str:
    """The message of a TraceError: which layer failed on what, and the table up to it."""
    given = ", ".join(map(str, call.input_shapes)) or "no tensor"
    failing = f"{call.path or trace.model}: {call.code} failed on input {given}"
    before = to_text([failed(trace, call), *map(note, trace.findings)])
    return f"{failing}\n\n{before}\n\n{type(error).__name__}: {error}"


def failed(trace: Trace, call: Call) -> Table:
    """The table up to the call that failed, which is marked."""
    last = (str(call.index), call.path, call.code, "✗ failed", "", "", "", "", "")
    rows = (*map(row, trace.calls), last)
    return Table(COLUMNS, rows, caption(trace), marked=frozenset({len(rows) - 1}))
