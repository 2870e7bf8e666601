"""The network explorer: every call of a network with its numbers, in a page that works alone."""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.explorer import embed
from convdocs.explorer.bundle import Page
from convdocs.explorer.embed import Explorer, ExplorerError
from convdocs.explorer.operations import Operand, Step, operation, watch
from convdocs.receptive import AxisField
from convdocs.report import CONSTANT, Call, Trace
from convdocs.tracing.run import is_shape
from convdocs.view.numbers import counted

MOST_NUMBERS = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class NetworkExplorer(Page):
    """An explorer of a whole network on one input, for a notebook or a page.

    Parameters
    ----------
    title : str
        The model's class.
    data : dict
        What the script takes: inputs, weights, and what each call works out.
    trace : Trace
        The network's calls.
    """

    part, mark = "network", 'data-convdocs="network"'

    trace: Trace

    def __repr__(self) -> str:
        alive = "" if self.data["live"] else ", recorded"
        calls = counted(len(self.trace.calls), "call")
        return f"<NetworkExplorer of {self.title}: {calls}{alive}>"

    def _picture(self) -> Any:
        from convdocs import draw  # matplotlib is loaded where a still is drawn

        words = "Where scripts run, each number in it shows where it comes from."
        return draw.stack(self.trace, caption=f"{self.title}, call by call. {words}")

    def _still(self) -> str:
        return str(self._picture()._repr_html_())

    def _repr_pdf_(self) -> bytes:
        """The still picture for a notebook that becomes a PDF."""
        return bytes(self._picture()._repr_pdf_())


def explore(
    model: nn.Module,
    *inputs: Any,
    classes: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    calls: Collection[int | str] | None = None,
    record: bool = True,
    blocks: int = 1,
    **layer: Any,
) -> Explorer | NetworkExplorer:
    """An interactive explorer of a model on ``inputs``, with their own numbers.

    One convolution, transposed convolution or pool over one or two axes is shown with its window;
    a setting that torch refuses as well, with torch's message and what to change. Anything else
    is shown as a network: every call with its maps, and for each cell the sum that made it and
    the cells it has seen. The page works everything out anew when the reader draws on the input,
    changes a weight or turns a map off, if it knows how to work out every call.

    Parameters
    ----------
    model : torch.nn.Module
        A layer or a network; it is left exactly as it is. A network is run in eval mode.
    *inputs : torch.Tensor or tuple of int
        Its inputs, or shapes of random ones. Where the first axis of the first one is a batch,
        the reader picks a sample.
    classes : sequence of str, optional
        Names for the numbers of the output, which then is shown as shares.
    labels : sequence, optional
        What the samples are, one each.
    calls : collection of int or str, optional
        The calls whose numbers the page holds, as indices or paths of the trace; by default all.
    record : bool
        Whether the page holds what each call gave; without, it works that out itself.
    blocks : int
        The reader draws on a pad of ``blocks`` times ``blocks`` pixels a cell, whose number is
        the share of pixels that are on.
    **layer
        For a single layer: ``at``, the output cell to begin with, and ``controls``, what the
        reader can change: ``"none"``, ``"basic"`` (sizes, numbers) or ``"all"``.

    Returns
    -------
    Explorer or NetworkExplorer
        Shows itself in a notebook, and has ``save("net.html")``.

    Raises
    ------
    ExplorerError
        When there are too many numbers for a page, or an argument names what is not there.

    Examples
    --------
    >>> import torch
    >>> explore(nn.Conv1d(3, 2, 3), torch.zeros(3, 5), at=(0, 1))
    <Explorer of Conv1d(3, 2, 3) on x (3, 5)>
    >>> net = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    >>> explore(net, torch.zeros(1, 3, 5), classes=["no", "yes"])
    <NetworkExplorer of Sequential: 4 calls>
    """
    if classes is labels is calls is None and record and blocks == 1:
        single = len(inputs) == 1 and isinstance(inputs[0], Tensor) and embed.kind_of(model)
        if single or layer:
            return embed.explore(model, *inputs, **layer)
    return network(model, inputs, classes, labels, calls, record, blocks, **layer)


def network(
    model: nn.Module,
    inputs: Sequence[Any],
    classes: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    calls: Collection[int | str] | None = None,
    record: bool = True,
    blocks: int = 1,
) -> NetworkExplorer:
    """The explorer of a network, of a single layer as well."""
    if blocks < 1:
        raise ExplorerError(f"blocks={blocks}: a cell is drawn as 1 or more pixels a side")
    if not inputs:
        raise ExplorerError("a network needs an input: explore(model, x)")
    x, *others = map(_tensor, inputs)
    samples = _samples(model, x, others, labels)
    trace, steps = watch(model, samples[0], *others)
    chosen = _chosen(trace, calls)
    bank = _Bank()
    pairs = zip(steps, trace.calls, strict=True)
    entries = [_entry(step, call, call.index in chosen, bank) for step, call in pairs]
    stopped = next((n for n in sorted(chosen) if not _is_alive(entries[n], chosen)), None)
    if stopped is not None and not record:
        call = trace.calls[stopped]
        raise ExplorerError(
            f"record=False leaves the numbers to the page, which cannot work out call {stopped}, "
            f"{call.code} ({call.path or 'in the model itself'}): leave record=True"
        )
    # a live page works out the other samples
    runs = [steps] + [watch(model, one, *others)[1] for one in samples[1:] if stopped is not None]
    places = [bank.place(one) for one in samples]
    axes = next(filter(None, (call.axes for call in trace.calls)), "")
    data = {
        "model": trace.model,
        "inputs": [places[0], *map(bank.place, others)],
        "samples": places,
        "labels": labels if labels is None else list(map(str, labels)),
        "classes": classes if classes is None else list(map(str, classes)),
        # as far as the layers' axes tell
        "batched": len(samples) > 1 or labels is not None or axes.startswith("N"),
        "blocks": blocks,
        "calls": entries,
        "recorded": [
            [bank.place(step.value) if n in chosen else None for n, step in enumerate(run)]
            for run in runs
            if record
        ],
        # containers that hold more than one call
        "modules": [
            [one.path, one.kind, one.depth, one.first, one.last]
            for one in trace.modules
            if one.depth > 0 and one.last > one.first
        ],
        "live": stopped is None,
        "stopped": stopped,
    }
    return NetworkExplorer(trace.model, {**data, "tensors": bank.as_plain(data)}, trace)


def _tensor(given: Any) -> Any:
    """An input as it is; for a shape the same normal numbers each time."""
    if is_shape(given) and given:
        return torch.randn(given, generator=torch.Generator().manual_seed(0))
    return given


def _samples(
    model: nn.Module, x: Any, others: Sequence[Any], labels: Sequence[Any] | None
) -> Sequence[Any]:
    """The samples of a batch, each as a batch of one; ``x`` itself where it is no batch."""
    if not isinstance(x, Tensor) or x.dim() < 2 or (len(x) < 2 and labels is None):
        return [x]
    alone = _is_batch(model, x, others)
    if labels is not None and (not alone or len(labels) != len(x)):
        raise ExplorerError(
            f"labels has {len(labels)} entries, but x of shape {tuple(x.shape)} is "
            + (f"a batch of {len(x)}" if alone else "no batch of samples that go their own ways")
        )
    return torch.split(x, 1) if alone else [x]


def _is_batch(model: nn.Module, x: Tensor, others: Sequence[Any]) -> bool:
    """Whether the network gives the first sample the same answer alone."""
    whole = watch(model, x, *others)[1][-1].value
    try:
        part = watch(model, x[:1], *others)[1][-1].value
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return False
    fits = whole.dim() > 0 and len(whole) == len(x) and whole[:1].shape == part.shape
    return fits and torch.allclose(whole[:1], part, rtol=1e-3, atol=1e-4, equal_nan=True)


def _chosen(trace: Trace, calls: Collection[int | str] | None) -> set[int]:
    """The indices of the calls whose numbers the page holds."""
    chosen: set[int] = set()
    for wanted in range(len(trace.calls)) if calls is None else calls:
        hits = {
            call.index
            for call in trace.calls
            if wanted in (call.index, call.path) or call.path.startswith(f"{wanted}.")
        }
        if not hits:
            raise ExplorerError(
                f"calls names {wanted!r}, which is no call of {trace.model}: give indices or paths "
                "of its trace"
            )
        chosen |= hits
    return chosen


class _Bank:
    """The tensors of a page, each once."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self._places: dict[int, int] = {}  # by the tensor's id

    def place(self, tensor: Tensor) -> int:
        if id(tensor) not in self._places:
            self._places[id(tensor)] = len(self.tensors)
            self.tensors.append(tensor)
        return self._places[id(tensor)]

    def as_plain(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Each as base64 of float32, if together with the page's ``data`` they fit."""
        sizes = [tensor.numel() for tensor in self.tensors]
        if sum(sizes) > MOST_NUMBERS:
            recorded = {n for run in data["recorded"] for n in run if n is not None}
            counts = {"recorded values": recorded, "inputs": set(data["samples"])}
            counts["weights"] = {*range(len(sizes))} - set().union(*counts.values())
            totals = {name: sum(sizes[n] for n in places) for name, places in counts.items()}
            parts = ", ".join(f"{total:,} {name}" for name, total in totals.items() if total)
            raise ExplorerError(
                f"the page would hold {sum(sizes):,} numbers ({parts}); it takes up to "
                f"{MOST_NUMBERS:,}: give a smaller input or fewer samples, choose some calls with "
                "calls=, or leave their values to the page with record=False"
            )
        arrays = [one.detach().to("cpu", torch.float32).numpy() for one in self.tensors]
        return [
            {"shape": [*one.shape], "data": base64.b64encode(one.tobytes()).decode()}
            for one in arrays
        ]


def _entry(step: Step, call: Call, chosen: bool, bank: _Bank) -> dict[str, Any]:
    """One call as the page takes it."""
    op = operation(step, call) if chosen else None
    return {
        "path": call.path,
        "kind": call.kind,
        "code": call.code,
        "shape": list(call.output_shapes[0]),
        "axes": call.axes,
        # a page follows the first input only: the others are constants
        "sources": [max(one.source, CONSTANT) if one else CONSTANT for one in step.operands],
        "fields": [[_field(one) for one in fields] for fields in call.local_fields],
        "chosen": chosen,
        "op": op and {key: _plain(value, bank) for key, value in op.items()},
    }


def _plain(value: Any, bank: _Bank) -> Any:
    """What a call works with: tensors by their places, and a word where JSON has no number."""
    match value:
        case Operand():
            return ["call", value.source]
        case Tensor():
            return ["tensor", bank.place(value)]
        case list():
            return [_plain(one, bank) for one in value]
        case float() if not math.isfinite(value):
            return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    return value


def _field(field: AxisField) -> Any:
    """[size, step as two numbers, offset, runs] of a field; None where it is not known."""
    if field.size is None or field.stride is None:
        return None
    step = Fraction(field.stride)
    return [field.size, step.numerator, step.denominator, field.offset, field.runs]


def _is_alive(entry: dict[str, Any], chosen: Collection[int]) -> bool:
    """Whether the page can work a call out itself: it knows how, and it has what goes in."""
    if entry["op"] is None:
        return False
    reads = [one[1] for one in entry["op"]["inputs"] if isinstance(one, list) and one[0] == "call"]
    return all(read < 0 or read in chosen for read in reads)
