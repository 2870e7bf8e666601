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

    Parameters
    ----------
    index : int
        Its place in the order of execution.
    path : str
        The layer's name in the model, ``"features.0"``; for a function, the module it was
        called in (``""`` is the model itself).
    kind : str
        The layer's class, ``"Conv1d"``, or the function's name, ``"relu"``.
    code : str
        The constructor call as one would type it; the function's name for a function.
    input_shapes, output_shapes : tuple of tuple of int
        Of the tensors that went in and came out.
    axes : str
        What the output's axes mean, ``"N C L"``; empty where that is not known.
    params : int or None
        Parameters, counted where they are first used; None for an uninitialised lazy layer.
    params_note : str
        Says with which call they are shared, or why they are not known.
    macs : int or None
        Multiply-accumulate operations; None where they cannot be counted.
    macs_note : str
        Why they cannot.
    receptive_field : tuple of AxisField
        One per spatial axis of the output.
    sources : tuple of int
        Per input tensor: the index of the call it came from, -1 for an input of the model, -2
        for a parameter, a buffer or a constant.
    windows : tuple of Window
        One per spatial axis of a convolution or a pool, otherwise empty.
    parameters : tuple of (name, shape)
        The parameters the call uses itself.
    training : bool
        Whether the layer was in training mode.
    output_dtypes : tuple of str
        One per output tensor, ``"float32"``.
    trainable : int or None
        Those of ``params`` that require a gradient.
    local_fields : tuple of tuple of AxisField
        Per input tensor, and per spatial axis of the output, the cells of that input which one
        output cell reads; empty for an input whose axes are not the output's. The receptive
        field is these, looked up through each other back to the model's input.
    family : str
        What a subclass and the function have in common with the layer, as
        ``convdocs.layers.family`` names it: ``"convolution"``, ``"batch norm"``,
        ``"reshape"``; empty for what no finding asks about.
    settings : tuple of (name, value)
        What the layer was made with, as far as it is numbers, words or tuples of them.
    unregistered : int
        Trainable numbers that the call used and that are not among the model's parameters.
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

    Parameters
    ----------
    path : str
        Its name in the model, ``"layer1.0"``; ``""`` is the model itself.
    kind : str
        Its class, or the function's name.
    depth : int
        0 for the model, 1 for what it holds, and so on.
    first, last : int
        Indices of the first and the last call made inside it; ``last`` is ``first - 1`` for a
        container that made none.
    params, trainable : int or None
        Parameters first used inside it, and those of them that require a gradient.
    macs : int or None
        Of all calls inside it; None when one of them could not be counted.
    output_shapes : tuple of tuple of int
        Of the tensors that came out of it.
    receptive_field : tuple of AxisField
        One per spatial axis of its output.
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

    Parameters
    ----------
    code : str
        Stable name of the kind of finding, ``"batch-as-channels"``.
    path : str
        The layer it is about.
    index : int
        Its call in the trace.
    sentence : str
        What happens, with the numbers at hand.
    fix : str
        What to do about it.
    places : tuple of int
        The indices of all calls it is about, when there are several.

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

    Parameters
    ----------
    model : str
        The model's class.
    calls : tuple of Call
        In order of execution.
    params, trainable_params : int
        Of the whole model; a shared parameter counts once. Uninitialised lazy parameters are
        left out.
    macs : int or None
        Of all calls together; None when one of them could not be counted.
    input_shapes, output_shapes : tuple of tuple of int
        Of the model's own inputs and outputs.
    parameter_bytes : int
        Memory of the parameters and buffers.
    activation_bytes : int
        Memory of all calls' outputs together, each counted where it was made.
    executed : str
        ``"shapes"``, or ``"values"`` when the model's Python looked at values, so that it had
        to run on real tensors.
    findings : tuple of Finding
        The silent mistakes.
    notes : tuple of str
        What else there is to say about the run.
    modules : tuple of ModuleSummary
        The model's tree in order of execution: containers, leaf modules, functions.
    output_sources : tuple of int
        Per output of the model, the call it came from, as in ``Call.sources``.
    failed : Call or None
        The call that raised, which has no outputs; None when the model ran.
    error : str
        What it raised, ``"RuntimeError: ..."``.

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

        Raises
        ------
        ValueError
            When ``data`` is of a schema version that is not known, or not what its version
            promises; the message says where.

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

        Parameters
        ----------
        depth : int, optional
            How deep containers are opened: 1 for what the model itself calls. Left out, the depth
            that gives some 60 rows.
        columns : sequence of str, optional
            Which, in this order: ``#``, path, layer, input, output, dtype, axes, kernel, params,
            share (after params or MACs), trainable, MACs, memory, field, step.
        fold : bool, optional
            Whether blocks that repeat are one row; by default, where there are more than 60 rows.
        width : int, optional
            Left out, the terminal's, or 100 where there is none.
        colour : bool
            Whether headings and the row of a failure stand out with ANSI colours.

        Raises
        ------
        ValueError
            For a column that does not exist.

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

    Parameters
    ----------
    model : str
        The model's class.
    batch : int
        Size of the first input's first axis.
    optimizer_name : str
        The optimizer's class, ``"none"`` without one.
    parameters, buffers : int
        Of the model.
    gradients : int
        Of the parameters that are trained.
    optimizer : int
        The optimizer's state after its first step.
    saved : int
        What autograd keeps for the backward pass, each storage once; parameters and buffers are
        left out, inputs that are saved are not.
    inputs : int
        Of the model's inputs.
    peak : int
        At least so much is held at one moment of the backward pass: what the calls still to come
        have saved, and the gradients of those behind, wherever that is most.
    saved_by_call : tuple of int
        ``saved``, by the call of ``trace`` that saved it first.
    trace : Trace or None
        The run.
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

    Parameters
    ----------
    text : str
        What to do, in a sentence.
    code : str
        Lines to paste; a comment where no line of code can do it.
    verified : bool
        Whether a copy of the model ran with the fix in place: on the inputs that were given and,
        where they come in batches, on a batch of another size.
    """

    text: str
    code: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Diagnosis(Shown):
    """Why a call fails, and what to do.

    Parameters
    ----------
    code : str
        Stable name of the error, ``"channels-mismatch"``; ``"unknown"`` for one that the
        catalogue does not have.
    path : str
        The failing layer's name in the model, ``"features.0"``; empty for a layer by itself.
    message : str
        The exception's own words, exactly.
    cause : str
        What is wrong, with the numbers at hand; empty for an unknown error.
    fixes : tuple of Fix
        The likeliest first.
    url : str
        Where the site explains the error; empty for an unknown one.
    error : str
        The exception's type, ``"RuntimeError"``.
    trace : Trace or None
        The calls that went well before.
    call : Call or None
        The call that failed.

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

        Raises
        ------
        ValueError
            As :meth:`Trace.from_dict`; also when ``data`` is of a run that did not fail.
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
