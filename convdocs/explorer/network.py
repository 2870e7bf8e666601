"""The network explorer: every call of a network with its numbers, in a page that works alone."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.explorer import embed
from convdocs.explorer.embed import Explorer, ExplorerError
from convdocs.explorer.operations import Settings, operation
from convdocs.explorer.page import Page, element
from convdocs.explorer.recording import Operand, Step, watch
from convdocs.receptive import AxisField
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Trace

MOST_NUMBERS = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class NetworkExplorer(Page):
    """An explorer of a whole network on one input, for a notebook or a page.

    Parameters
    ----------
    trace : Trace
        The network's calls.
    data : dict
        What the page holds: inputs, weights, and what each call works out.
    """

    part = "network"

    trace: Trace
    data: dict[str, Any]

    def __repr__(self) -> str:
        alive = "" if self.data["live"] else ", recorded"
        count = len(self.trace.calls)
        calls = f"{count} call{'s' * (count != 1)}"
        return f"<NetworkExplorer of {self.trace.model}: {calls}{alive}>"

    def _repr_pdf_(self) -> bytes:
        """The still picture for a notebook that becomes a PDF."""
        from convdocs import draw  # matplotlib is loaded where a still is drawn
        from convdocs.draw.picture import pdf

        return pdf(draw.stack(self.trace))

    def title(self) -> str:
        """The model's class."""
        return self.trace.model

    def markup(self) -> str:
        """The element that the script turns into the explorer; the script is not included."""
        from convdocs import draw

        figure = draw.stack(self.trace)
        source = base64.b64encode(draw.svg(figure).encode()).decode()
        still = (
            '<figure style="margin:0">'
            f'<img src="data:image/svg+xml;base64,{source}" '
            f'width="{round(96 * figure.get_figwidth())}" '
            f'height="{round(96 * figure.get_figheight())}" '
            f'alt="{html.escape(draw.describe(figure))}" '
            'style="max-width:100%;height:auto;background:#fff">'
            f"<figcaption>{html.escape(self.trace.model)}, call by call. Where scripts run, each "
            "number in it shows where it comes from.</figcaption></figure>"
        )
        return element("network", 'data-convdocs="network"', still, self.data)


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
    given = [_tensor(one) for one in inputs]
    if not given:
        raise ExplorerError("a network needs an input: explore(model, x)")
    samples = _samples(model, given, labels)
    runs = [watch(model, sample, *given[1:]) for sample in samples or given[:1]]
    trace, steps = runs[0]
    chosen = _chosen(trace, calls)
    bank = _Bank()
    entries = [
        _entry(step, call, call.index in chosen, bank)
        for step, call in zip(steps, trace.calls, strict=True)
    ]
    stopped = next((n for n in sorted(chosen) if not _alive(entries, n)), None)
    if stopped is not None and not record:
        call = trace.calls[stopped]
        raise ExplorerError(
            f"record=False leaves the numbers to the page, which cannot work out call {stopped}, "
            f"{call.code} ({call.path or 'in the model itself'}): leave record=True"
        )
    kept = runs if stopped is not None else runs[:1]  # a live page works out the other samples
    first = [bank.add(one) for one in samples or given[:1]]
    axes = (call.axes for call in trace.calls)
    data = {
        "model": trace.model,
        "inputs": [first[0], *(bank.add(one) for one in given[1:])],
        "samples": first,
        "labels": labels if labels is None else list(map(str, labels)),
        "classes": classes if classes is None else list(map(str, classes)),
        # as far as the layers' axes tell
        "batched": bool(samples) or next(filter(None, axes), "").startswith("N"),
        "blocks": blocks,
        "tensors": bank.plain,
        "calls": entries,
        "recorded": [
            [bank.add(step.value) if n in chosen else None for n, step in enumerate(taken)]
            for _, taken in (kept if record else ())
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
    _check_size(bank, data)
    return NetworkExplorer(trace, data)


def _tensor(given: Any) -> Any:
    """An input as it is; for a shape the same normal numbers each time."""
    if isinstance(given, tuple) and given and all(type(size) is int for size in given):
        return torch.randn(given, generator=torch.Generator().manual_seed(0))
    return given


def _samples(model: nn.Module, given: Sequence[Any], labels: Sequence[Any] | None) -> list[Tensor]:
    """The samples of a batch, each as a batch of one; none where the first axis is no batch."""
    x = given[0]
    if not isinstance(x, Tensor) or x.dim() < 2 or (len(x) < 2 and labels is None):
        return []
    alone = _is_batch(model, given)
    if labels is not None and (not alone or len(labels) != len(x)):
        raise ExplorerError(
            f"labels has {len(labels)} entries, but x of shape {tuple(x.shape)} is "
            + (f"a batch of {len(x)}" if alone else "no batch of samples that go their own ways")
        )
    return list(torch.split(x, 1)) if alone else []


def _is_batch(model: nn.Module, given: Sequence[Any]) -> bool:
    """Whether the network gives the first sample the same answer alone."""
    _, together = watch(model, *given)
    try:
        _, alone = watch(model, given[0][:1], *given[1:])
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return False
    whole, part = together[-1].value, alone[-1].value
    fits = whole.dim() > 0 and len(whole) == len(given[0]) and whole[:1].shape == part.shape
    return fits and torch.allclose(whole[:1], part, rtol=1e-3, atol=1e-4, equal_nan=True)


def _chosen(trace: Trace, calls: Collection[int | str] | None) -> set[int]:
    """The indices of the calls whose numbers the page holds."""
    if calls is None:
        return set(range(len(trace.calls)))
    chosen: set[int] = set()
    for wanted in calls:
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
        chosen.update(hits)
    return chosen


class _Bank:
    """The tensors of a page, each once, as base64 of float32."""

    def __init__(self) -> None:
        self.plain: list[dict[str, Any]] = []
        self.numbers = 0
        self._known: dict[int, tuple[int, Tensor]] = {}

    def add(self, tensor: Tensor) -> int:
        if id(tensor) not in self._known:
            numbers = tensor.detach().to("cpu", torch.float32).contiguous()
            data = base64.b64encode(numbers.numpy().tobytes()).decode()
            self._known[id(tensor)] = (len(self.plain), tensor)
            self.plain.append({"shape": list(tensor.shape), "data": data})
            self.numbers += tensor.numel()
        return self._known[id(tensor)][0]


def _entry(step: Step, call: Call, chosen: bool, bank: _Bank) -> dict[str, Any]:
    """One call as the page takes it."""
    op = operation(step, call) if chosen else None
    if op is not None:
        inputs = [_operand(one, call, bank) for one in op.pop("inputs")]
        op = {"inputs": inputs, **{name: _plain(value, bank) for name, value in op.items()}}
    # a page follows the first input only: the others are constants
    others = {one.position for one in step.operands if one.number}
    return {
        "path": call.path,
        "kind": call.kind,
        "code": call.code,
        "shape": list(call.output_shapes[0]),
        "axes": call.axes,
        "sources": [CONSTANT if n in others else one for n, one in enumerate(call.sources)],
        "fields": [[_field(one) for one in fields] for fields in call.local_fields],
        "chosen": chosen,
        "op": op,
    }


def _operand(value: Any, call: Call, bank: _Bank) -> Any:
    """What a call reads: [call or input, its number], a constant's place in the bank, a number."""
    if isinstance(value, Operand):
        source = call.sources[value.position]
        return ["call", source - value.number if source == MODEL_INPUT else source]
    return ["tensor", bank.add(value)] if isinstance(value, Tensor) else float(value)


def _plain(value: Any, bank: _Bank) -> Any:
    """A setting: a tensor as its place in the bank, a number that JSON has not as a word."""
    if isinstance(value, Tensor):
        return {"tensor": bank.add(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    return value


def _field(field: AxisField) -> Any:
    """[size, step as two numbers, offset, runs] of a field; None where it is not known."""
    if field.size is None or field.stride is None:
        return None
    step = Fraction(field.stride)
    return [field.size, step.numerator, step.denominator, field.offset, field.runs]


def _alive(entries: Sequence[dict[str, Any]], index: int) -> bool:
    """Whether the page can work a call out itself: it knows how, and it has what goes in."""
    op: Settings | None = entries[index]["op"]
    if op is None:
        return False
    reads = [one[1] for one in op["inputs"] if isinstance(one, list) and one[0] == "call"]
    return all(read < 0 or entries[read]["chosen"] for read in reads)


def _check_size(bank: _Bank, data: dict[str, Any]) -> None:
    if bank.numbers <= MOST_NUMBERS:
        return

    def numbers(places: set[int]) -> int:
        return sum(math.prod(bank.plain[place]["shape"]) for place in places)

    recorded = {place for one in data["recorded"] for place in one if place is not None}
    counts = {"recorded values": numbers(recorded), "inputs": numbers(set(data["samples"]))}
    counts["weights"] = bank.numbers - sum(counts.values())
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    raise ExplorerError(
        f"the page would hold {bank.numbers:,} numbers ({parts}); it takes up to "
        f"{MOST_NUMBERS:,}: give a smaller input or fewer samples, choose some calls with "
        "calls=, or leave their values to the page with record=False"
    )
