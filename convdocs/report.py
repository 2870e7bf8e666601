"""What a trace is: plain frozen data that pickles, compares and turns into JSON and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from importlib import import_module
from typing import Any, Literal, NamedTuple

from convdocs.geometry import Window
from convdocs.receptive import AxisField

SCHEMA_VERSION = 1

MODEL_INPUT = -1
CONSTANT = -2

Shape = tuple[int, ...]


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
        :func:`convdocs.layers.family` names it: ``"convolution"``, ``"batch norm"``,
        ``"reshape"``; empty for what no finding asks about.
    settings : tuple of (name, value)
        What the layer was made with, as far as it is numbers, words or tuples of them.
    unregistered : int
        Trainable numbers that the call used and that are not among the model's parameters.

    Examples
    --------
    >>> Call(0, "act", "ReLU", "ReLU()", ((2, 3),), ((2, 3),)).params
    0
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
        Indices of the first and the last call made inside it.
    params, trainable : int or None
        Parameters first used inside it, and those of them that require a gradient.
    macs : int or None
        Of all calls inside it; None when one of them could not be counted.
    output_shapes : tuple of tuple of int
        Of the tensors that came out of it.
    receptive_field : tuple of AxisField
        One per spatial axis of its output.

    Examples
    --------
    >>> ModuleSummary("layer1", "Sequential", 1, 4, 9, 700, 700, 12_000).depth
    1
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
class Finding:
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

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return str(import_module("convdocs.view.trace").finding_html(self))


@dataclass(frozen=True, slots=True)
class Trace:
    """All that one run of a model told.

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
        Per output of the model, the call it came from, as in :attr:`Call.sources`.

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

    def to_dict(self) -> dict[str, Any]:
        """As dicts, lists, strings and numbers that JSON can hold, with a schema version.

        Examples
        --------
        >>> Trace("Net").to_dict()["schema"]
        1
        """
        return {"schema": SCHEMA_VERSION, **_plain(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Trace":
        """The trace that :meth:`to_dict` was called on.

        Raises
        ------
        ValueError
            When ``data`` was written with another schema version.

        Examples
        --------
        >>> Trace.from_dict(Trace("Net").to_dict()) == Trace("Net")
        True
        """
        if data.get("schema") != SCHEMA_VERSION:
            raise ValueError(
                f"this trace has schema version {data.get('schema')!r}; "
                f"this convdocs reads version {SCHEMA_VERSION}"
            )
        values = {key: _frozen(value) for key, value in data.items() if key != "schema"}
        values["calls"] = tuple(_call(call) for call in data["calls"])
        values["findings"] = tuple(
            Finding(**{key: _frozen(value) for key, value in finding.items()})
            for finding in data["findings"]
        )
        values["modules"] = tuple(_module(module) for module in data.get("modules", ()))
        return cls(**values)

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as :meth:`to_dict`, as JSON.

        Examples
        --------
        >>> Trace("Net").to_json()[:12]
        '{"schema": 1'
        """
        return json.dumps(self.to_dict(), indent=indent)

    def to_markdown(self) -> str:
        """The table in Markdown.

        Examples
        --------
        >>> print(Trace("Net").to_markdown().splitlines()[0])
        Net
        """
        return str(import_module("convdocs.view.trace").markdown(self))

    def to_dataframe(self) -> Any:
        """The calls as a pandas DataFrame, one row each.

        Raises
        ------
        ImportError
            When pandas is not installed.

        Examples
        --------
        >>> list(Trace("Net").to_dataframe().columns)[:3]
        ['path', 'kind', 'code']
        """
        try:
            pandas = import_module("pandas")
        except ImportError as missing:
            raise ImportError("to_dataframe() needs pandas: pip install pandas") from missing
        names = [name for name in Call._fields if name != "index"]
        rows = [[getattr(call, name) for name in names] for call in self.calls]
        index = pandas.Index([call.index for call in self.calls], name="index", dtype="int64")
        return pandas.DataFrame(rows, columns=names, index=index)

    def __str__(self) -> str:
        return str(import_module("convdocs.view.trace").text(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return str(import_module("convdocs.view.trace").html(self))


def _plain(value: Any) -> Any:
    """Records as dicts, tuples as lists, a Fraction as a string."""
    match value:
        case Fraction():
            return str(value)
        case Call() | ModuleSummary() | AxisField() | Window():
            return {name: _plain(one) for name, one in value._asdict().items()}
        case tuple():
            return [_plain(one) for one in value]
        case Trace() | Finding():
            return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _call(data: Mapping[str, Any]) -> Call:
    values = {key: _frozen(value) for key, value in data.items()}
    values["windows"] = tuple(
        Window(**{key: _frozen(value) for key, value in window.items()})
        for window in data["windows"]
    )
    values["receptive_field"] = tuple(_axis_field(field) for field in data["receptive_field"])
    values["local_fields"] = tuple(
        tuple(_axis_field(field) for field in fields) for fields in data.get("local_fields", ())
    )
    return Call(**values)


def _module(data: Mapping[str, Any]) -> ModuleSummary:
    values = {key: _frozen(value) for key, value in data.items()}
    values["receptive_field"] = tuple(_axis_field(field) for field in data["receptive_field"])
    return ModuleSummary(**values)


def _axis_field(data: Mapping[str, Any]) -> AxisField:
    values = {key: _frozen(value) for key, value in data.items()}
    if isinstance(values["stride"], str):
        values["stride"] = Fraction(values["stride"])
    return AxisField(**values)
