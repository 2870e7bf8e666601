"""The records of a run: plain frozen data that pickles, compares and turns into JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Literal, NamedTuple

from convdocs import schema
from convdocs.geometry import Window
from convdocs.receptive import AxisField
from convdocs.view import records as _records
from convdocs.view import trace as _trace
from convdocs.view.markdown import to_markdown
from convdocs.view.page import to_html
from convdocs.view.shown import Shown
from convdocs.view.terminal import page_width, to_text

MODEL_INPUT = -1
CONSTANT = -2

Shape = tuple[int, ...]
_Names = Sequence[str] | None


class Call(NamedTuple):
    """One call of a leaf layer, or of a function or operator outside one.

    :param index: Its place in the order of execution.
    :param path: The layer's name in the model, ``"features.0"``; for a function, the module it was
        called in (``""`` is the model itself).
    :param kind: The layer's class, ``"Conv1d"``, or the function's name, ``"relu"``.
    :param code: The constructor call as one would type it; for a function its name.
    :param input_shapes: Of the tensors that went in.
    :param output_shapes: Of those that came out.
    :param axes: What the output's axes mean, ``"N C L"``; empty where that is not known.
    :param params: Counted where they are first used; None for an uninitialised lazy layer.
    :param params_note: Says with which call they are shared, or why they are not known.
    :param macs: Multiply-accumulate operations; None where they cannot be counted.
    :param macs_note: Why they cannot.
    :param receptive_field: One per spatial axis of the output.
    :param sources: Per input tensor: the index of the call it came from, -1 for an input of the
        model, -2 for a parameter, a buffer or a constant.
    :param windows: One per spatial axis of a convolution or a pool, otherwise empty.
    :param parameters: Name and shape of those that the call uses itself.
    :param training: Whether the layer was in training mode.
    :param output_dtypes: One per output tensor, ``"float32"``.
    :param trainable: Those of ``params`` that require a gradient.
    :param local_fields: Per input tensor, and per spatial axis of the output, the cells of that
        input which one output cell reads; empty for an input whose axes are not the output's. The
        receptive field is these, looked up through each other back to the model's input.
    :param family: What a subclass and the function have in common with the layer, as
        ``convdocs.layers.family`` names it: ``"convolution"``, ``"batch norm"``, ``"reshape"``;
        empty for what no finding asks about.
    :param settings: What the layer was made with: numbers, words or tuples of them, by name.
    :param unregistered: Trainable numbers that the call used and that the model does not hold.
    """

    index: int  # type: ignore[assignment]
    path: str
    kind: str
    code: str
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    axes: str = ""
    params: int | None = 0
    params_note: str = ""
    macs: int | None = 0
    macs_note: str = ""
    receptive_field: tuple[AxisField, ...] = ()
    sources: tuple[int, ...] = ()
    windows: tuple[Window, ...] = ()
    parameters: tuple[tuple[str, Shape], ...] = ()
    training: bool = False
    output_dtypes: tuple[str, ...] = ()
    trainable: int | None = 0
    local_fields: tuple[tuple[AxisField, ...], ...] = ()
    family: str = ""
    settings: tuple[tuple[str, object], ...] = ()
    unregistered: int = 0


class ModuleSummary(NamedTuple):
    """One module of a model, container or leaf, or a function called inside one.

    :param path: Its name in the model, ``"layer1.0"``; ``""`` is the model itself.
    :param kind: Its class, or the function's name.
    :param depth: 0 for the model, 1 for what it holds, and so on.
    :param first: Index of the first call made inside it.
    :param last: Index of the last one; ``first - 1`` for a container that made none.
    :param params: Parameters first used inside it.
    :param trainable: Those of them that require a gradient.
    :param macs: Of all calls inside it; None when one of them could not be counted.
    :param output_shapes: Of the tensors that came out of it.
    :param receptive_field: One per spatial axis of its output.
    """

    path: str
    kind: str
    depth: int
    first: int
    last: int
    params: int | None = 0
    trainable: int | None = 0
    macs: int | None = 0
    output_shapes: tuple[Shape, ...] = ()
    receptive_field: tuple[AxisField, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding(Shown):
    """A silent mistake: the model runs, and does something its author hardly meant.

    :param code: Stable name of the kind of finding, ``"batch-as-channels"``.
    :param path: The layer it is about.
    :param index: Its call in the trace.
    :param sentence: What happens, with the numbers at hand.
    :param fix: What to do about it.
    :param places: The indices of all calls it is about, when there are several.

    Examples
    --------
    >>> print(Finding("dropped-border", "pool", 3, "The last row is not read.", "Pad by one."))
    pool: The last row is not read. Pad by one. [dropped-border]
    """

    code: str
    path: str
    index: int
    sentence: str
    fix: str
    places: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.path or '(model)'}: {self.sentence} {self.fix} [{self.code}]"

    parts = _trace.finding


@dataclass(frozen=True, slots=True)
class Trace(Shown):
    """One run of a model, whole or up to the call that failed.

    :param model: The model's class.
    :param calls: In order of execution.
    :param params: Of the whole model; a shared parameter counts once, an uninitialised lazy one
        not at all.
    :param trainable_params: Those of them that require a gradient.
    :param macs: Of all calls together; None when one of them could not be counted.
    :param input_shapes: Of the model's own inputs.
    :param output_shapes: Of its outputs.
    :param parameter_bytes: Memory of the parameters and buffers.
    :param activation_bytes: Memory of all calls' outputs, each counted where it was made.
    :param executed: ``"shapes"``, or ``"values"`` when the model's Python looked at values, so that
        it had to run on real tensors.
    :param findings: The silent mistakes.
    :param notes: What else there is to say about the run.
    :param modules: The model's tree in order of execution: containers, leaf modules, functions.
    :param output_sources: Per output, the call it came from, as in ``Call.sources``.
    :param failed: The call that raised, which has no outputs; None when the model ran.
    :param error: What it raised, ``"RuntimeError: ..."``.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> found.params, found.macs, found.output_shapes
    (496, 4800, ((2, 16, 5),))
    """

    model: str
    calls: tuple[Call, ...] = ()
    params: int = 0
    trainable_params: int = 0
    macs: int | None = 0
    input_shapes: tuple[Shape, ...] = ()
    output_shapes: tuple[Shape, ...] = ()
    parameter_bytes: int = 0
    activation_bytes: int = 0
    executed: Literal["shapes", "values"] = "shapes"
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    modules: tuple[ModuleSummary, ...] = ()
    output_sources: tuple[int, ...] = ()
    failed: Call | None = None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As dicts, lists, strings and numbers that JSON can hold, with a schema version."""
        return document(self, None)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Trace":
        """The trace in what :meth:`to_dict`, of a trace or of a diagnosis, returned.

        :raises ValueError: When ``data`` is of a schema version that is not known, or not what its
            version promises; the message says where.

        Examples
        --------
        >>> Trace.from_dict(Trace("Net").to_dict()) == Trace("Net")
        True
        """
        version = schema.version_of(data)
        own = {name: value for name, value in data.items() if name not in ("schema", "diagnosis")}
        trace = schema.record(cls, own)
        if version == 1:  # which did not say what is trainable
            trace = replace(trace, calls=tuple(c._replace(trainable=None) for c in trace.calls))
        there = f"there are {len(trace.calls)} calls"
        for call in trace.calls:
            if not all(CONSTANT <= source < len(trace.calls) for source in call.sources):
                raise ValueError(f"calls[{call.index}].sources: {there}")
        for place, module in enumerate(trace.modules):
            if not 0 <= module.first <= module.last + 1 <= len(trace.calls):
                raise ValueError(f"modules[{place}]: {there}")
        return trace

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as :meth:`to_dict`, as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_dataframe(self) -> Any:
        """The calls as a pandas DataFrame, one row each; an ImportError without pandas."""
        try:
            pandas = import_module("pandas")
        except ImportError as missing:
            raise ImportError("to_dataframe() needs pandas: pip install pandas") from missing
        return pandas.DataFrame(self.calls, columns=Call._fields).set_index("index")

    def to_text(
        self,
        *,
        depth: int | None = None,
        columns: _Names = None,
        fold: bool | None = None,
        width: int | None = None,
        colour: bool = False,
    ) -> str:
        """The tree as a table for a terminal, never wider than ``width``.

        :param depth: How deep containers are opened: 1 for what the model itself calls. Left out,
            the depth that gives some 60 rows.
        :param columns: Which, in this order: ``#``, path, layer, input, output, dtype, axes,
            kernel, params, share (after params or MACs), trainable, MACs, memory, field, step.
        :param fold: Whether blocks that repeat are one row; by default, where there are more than
            60 rows.
        :param width: Left out, the terminal's, or 100 where there is none.
        :param colour: Whether headings and the row of a failure stand out with ANSI colours.
        :raises ValueError: For a column that does not exist.

        Examples
        --------
        >>> import convdocs
        >>> from torch import nn
        >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
        >>> print(found.to_text(columns=["layer", "output", "params"]))
        Layers of Sequential on an input of (2, 10, 7)
        layer              output      params
        ─────────────────  ──────────  ──────
        Conv1d(10, 16, 3)  (2, 16, 5)     496
        ReLU()             (2, 16, 5)       –
        ─────────────────  ──────────  ──────
        total                             496
        <BLANKLINE>
        496 parameters.
        """
        shown = _trace.parts(self, depth, columns, fold)
        return to_text(shown, width or page_width(), colour=colour)

    def to_markdown(
        self, *, depth: int | None = None, columns: _Names = None, fold: bool | None = None
    ) -> str:
        """The tree as a table in Markdown; takes what :meth:`to_text` takes."""
        return to_markdown(_trace.parts(self, depth, columns, fold, paths=True))

    def to_html(
        self, *, depth: int | None = None, columns: _Names = None, fold: bool | None = None
    ) -> str:
        """The tree as an HTML fragment, in which every container can be opened and closed.

        Takes what :meth:`to_text` takes; what is deeper than ``depth`` is closed at first.
        """
        return to_html(_trace.parts(self, depth, columns, fold, page=True))

    parts = _trace.parts


@dataclass(frozen=True, slots=True)
class Memory(Shown):
    """The bytes that one step of training keeps.

    :param model: The model's class.
    :param batch: Size of the first input's first axis.
    :param optimizer_name: The optimizer's class, ``"none"`` without one.
    :param parameters: Of the model.
    :param buffers: Of the model, too.
    :param gradients: Of the parameters that are trained.
    :param optimizer: The optimizer's state after its first step.
    :param saved: What autograd keeps for the backward pass, each storage once; parameters and
        buffers are left out, inputs that are saved are not.
    :param inputs: Of the model's inputs.
    :param peak: At least so much is held at one moment of the backward pass: what the calls still
        to come have saved, and the gradients of those behind, wherever that is most.
    :param saved_by_call: ``saved``, by the call of ``trace`` that saved it first.
    :param trace: The run.
    """

    model: str
    batch: int
    optimizer_name: str
    parameters: int = 0
    buffers: int = 0
    gradients: int = 0
    optimizer: int = 0
    saved: int = 0
    inputs: int = 0
    peak: int = 0
    saved_by_call: tuple[int, ...] = ()
    trace: Trace | None = None

    def to_dict(self) -> dict[str, Any]:
        """As dicts, lists, strings and numbers that JSON can hold."""
        return {"schema": schema.VERSION, **schema.plain(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Memory":
        """The record that :meth:`to_dict` was called on; a ValueError for anything else."""
        schema.version_of(data)
        return schema.record(cls, {name: data[name] for name in data if name != "schema"})

    parts = _records.memory


@dataclass(frozen=True, slots=True)
class Fix:
    """What to write instead.

    :param text: What to do, in a sentence.
    :param code: Lines to paste; a comment where no line of code can do it.
    :param verified: Whether a copy of the model ran with the fix in place: on the inputs that were
        given and, where they come in batches, on a batch of another size.
    """

    text: str
    code: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Diagnosis(Shown):
    """Why a call fails, and what to do.

    :param code: Stable name of the error, ``"channels-mismatch"``; ``"unknown"`` for one that the
        catalogue does not have.
    :param path: The failing layer's name in the model; empty for a layer by itself.
    :param message: The exception's own words, exactly.
    :param cause: What is wrong, with the numbers at hand; empty for an unknown error.
    :param fixes: The likeliest first.
    :param url: Where the site explains the error; empty for an unknown one.
    :param error: The exception's type, ``"RuntimeError"``.
    :param trace: The calls that went well before.
    :param call: The call that failed.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from convdocs import diagnose
    >>> found = diagnose(nn.Conv1d(3, 2, 3), torch.zeros(2, 5, 3))
    >>> found.code, found.fixes[0].code
    ('channels-mismatch', 'x = x.permute(0, 2, 1)')
    """

    code: str
    path: str
    message: str
    cause: str
    fixes: tuple[Fix, ...] = ()
    url: str = ""
    error: str = ""
    trace: Trace | None = None
    call: Call | None = None

    note = _records.note

    def to_dict(self) -> dict[str, Any]:
        """As dicts, lists, strings and numbers that JSON can hold: those of the trace, and why."""
        return document(self.trace, self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Diagnosis":
        """The diagnosis that :meth:`to_dict` was called on.

        :raises ValueError: As :meth:`Trace.from_dict`; also for a run that did not fail.
        """
        if schema.version_of(data) == 1 or data.get("diagnosis") is None:
            raise ValueError("diagnosis: missing; this is a trace's data")
        trace = Trace.from_dict(data) if data.get("model") is not None else None
        call = schema.record(Call, data["failed"], "failed") if data.get("failed") else None
        return replace(schema.record(cls, data["diagnosis"], "diagnosis"), trace=trace, call=call)

    parts = _records.diagnosis


def document(trace: Trace | None, diagnosis: Diagnosis | None) -> dict[str, Any]:
    """The one form that a run takes in JSON, be it whole, failed or explained."""
    data = {"schema": schema.VERSION, **schema.plain(trace or Trace("")), "diagnosis": None}
    if trace is None:
        data["model"] = None
    if diagnosis is not None:
        why = schema.plain(replace(diagnosis, trace=None, call=None))
        del why["trace"], why["call"]
        data |= {"diagnosis": why, "failed": schema.plain(diagnosis.call)}
    return data
