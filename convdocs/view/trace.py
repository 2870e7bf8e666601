"""A Trace as a table: for a terminal, a web page, a Markdown file."""

from __future__ import annotations

from convdocs.receptive import AxisField
from convdocs.report import Call, Finding, Shape, Trace
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
    """The table, the totals and the findings."""
    totals = ("", "", "total", "", "", number(trace.params), number(trace.macs), "", "")
    table = Table(COLUMNS, tuple(row(call) for call in trace.calls), caption(trace), totals)
    return [table, Paragraph(memory(trace)), *(note(finding) for finding in trace.findings)]


def caption(trace: Trace) -> str:
    """What the table shows: the model and its inputs."""
    return (
        f"{trace.model}({', '.join(map(shape, trace.input_shapes))})"
        if trace.input_shapes
        else trace.model
    )


def row(call: Call) -> tuple[str, ...]:
    """One call's cells."""
    known = call.receptive_field
    return (
        str(call.index),
        call.path,
        call.code,
        ", ".join(map(shape, call.output_shapes)),
        call.axes,
        "uninitialised" if call.params is None else number(call.params),
        "?" if call.macs is None else number(call.macs),
        " × ".join(dict.fromkeys(map(field_size, known)))
        if _alike(known)
        else " × ".join(map(field_size, known)),
        " × ".join(dict.fromkeys(map(field_step, known)))
        if _alike(known)
        else " × ".join(map(field_step, known)),
    )


def _alike(known: tuple[AxisField, ...]) -> bool:
    return len({(field_size(one), field_step(one)) for one in known}) == 1


def shape(sizes: Shape) -> str:
    """A shape as Python writes it."""
    return str(tuple(sizes))


def number(count: int | None) -> str:
    """A count with separators; a dash for none at all."""
    if count is None:
        return "?"
    return f"{count:,}" if count else "–"


def field_size(one: AxisField) -> str:
    """The receptive field's size, with a sign for a bound."""
    if one.size is None:
        return "?"
    return f"≤{one.size}" if one.status == "upper bound" else str(one.size)


def field_step(one: AxisField) -> str:
    """The step from one cell's field to the next."""
    return "?" if one.stride is None else str(one.stride)


def memory(trace: Trace) -> str:
    """Parameters' and activations' memory in one line."""
    ran = "on shapes alone" if trace.executed == "shapes" else "on real tensors"
    return (
        f"{trace.trainable_params:,} of {trace.params:,} parameters trainable; "
        f"{size(trace.parameter_bytes)} of parameters and buffers, "
        f"{size(trace.activation_bytes)} of activations. Run {ran}."
    )


def size(count: int) -> str:
    """Bytes in a unit that keeps the number short."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def note(finding: Finding) -> Paragraph:
    """A finding as a paragraph."""
    place = finding.path or "(model)"
    return Paragraph(f"{finding.sentence} {finding.fix}", lead=f"{place} [{finding.code}]")


def finding_html(finding: Finding) -> str:
    """One finding as an HTML fragment."""
    return to_html([note(finding)])


def failure(trace: Trace, call: Call, error: Exception) -> str:
    """The message of a TraceError: the table up to the layer that failed, and that layer."""
    place = call.path or trace.model
    given = ", ".join(map(shape, call.input_shapes)) or "no tensor"
    words = f"{place}: {call.code} failed on input {given}"
    return f"{words}\n\n{to_text([failed(trace, call)])}\n\n{type(error).__name__}: {error}"


def failed(trace: Trace, call: Call) -> Table:
    """The table up to the call that failed, which is marked."""
    last = (str(call.index), call.path, call.code, "✗ failed", "", "", "", "", "")
    rows = (*(row(one) for one in trace.calls), last)
    return Table(COLUMNS, rows, caption(trace), marked=frozenset({len(rows) - 1}))
