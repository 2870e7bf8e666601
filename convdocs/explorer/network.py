"""The network explorer: every call of a network with its numbers, in a page that works alone."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.explorer import bundle, page
from convdocs.explorer.embed import ExplorerError
from convdocs.explorer.operations import Settings, operation
from convdocs.explorer.recording import Operand, Step, operands_in, watch
from convdocs.receptive import AxisField
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Trace

MOST_NUMBERS = 100_000


@dataclass(frozen=True, eq=False)
class NetworkExplorer:
    """An explorer of a whole network on one input, for a notebook or a page.

    Parameters
    ----------
    trace : Trace
        The network's calls.
    data : dict
        What the page holds: inputs, weights, and what each call works out.
    """

    trace: Trace
    data: dict[str, Any]

    def __repr__(self) -> str:
        alive = "" if self.data["live"] else ", recorded"
        count = len(self.trace.calls)
        calls = f"{count} call{'s' * (count != 1)}"
        return f"<NetworkExplorer of {self.trace.model}: {calls}{alive}>"

    def _repr_html_(self) -> str:
        """The explorer with its script: works alone, in a notebook or a file."""
        return f"{self.markup()}\n<script>{bundle.script('network')}</script>"

    def save(self, path: str | Path, title: str | None = None) -> None:
        """Write a page that needs no other file.

        Parameters
        ----------
        path : str or Path
            The file, as ``"net.html"``.
        title : str, optional
            The page's heading; the model's class by default.
        """
        text = page.page(title or self.trace.model, self._repr_html_())
        Path(path).write_text(text, encoding="utf-8")

    def _repr_pdf_(self) -> bytes:
        """The still picture for a notebook that becomes a PDF."""
        made = BytesIO()
        from convdocs import draw  # matplotlib is loaded where a still is drawn

        draw.stack(self.trace).savefig(made, format="pdf")
        return made.getvalue()

    def markup(self) -> str:
        """The element that the script turns into the explorer; the script is not included."""
        from convdocs import draw

        figure = draw.stack(self.trace)
        source = base64.b64encode(draw.svg(figure).encode()).decode()
        return (
            '<div data-convdocs="network"><figure style="margin:0">'
            f'<img src="data:image/svg+xml;base64,{source}" '
            f'width="{round(96 * figure.get_figwidth())}" '
            f'height="{round(96 * figure.get_figheight())}" '
            f'alt="{html.escape(draw.describe(figure))}" '
            'style="max-width:100%;height:auto;background:#fff">'
            f"<figcaption>{html.escape(self.trace.model)}, call by call. Where scripts run, each "
            "number in it shows where it comes from.</figcaption></figure>"
            f'<script type="application/json">{page.as_json(self.data)}</script></div>'
            "<script>window.ConvNetwork?.start()</script>"
        )


def explore(
    model: nn.Module,
    *inputs: Any,
    classes: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    calls: Collection[int | str] | None = None,
    record: bool = True,
    blocks: int = 1,
) -> NetworkExplorer:
    """The explorer of a network; see :func:`convdocs.explore`."""
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
    entries = [_entry(step, call, call.index in chosen, bank)
               for step, call in zip(steps, trace.calls, strict=True)]  # fmt: skip
    stopped = next((c.index for c in trace.calls
                    if c.index in chosen and not _alive(entries, c)), None)  # fmt: skip
    if stopped is not None and not record:
        call = trace.calls[stopped]
        raise ExplorerError(
            f"record=False leaves the numbers to the page, which cannot work out call {stopped}, "
            f"{call.code} ({call.path or 'in the model itself'}): leave record=True"
        )
    if stopped is not None:  # weights are of use only where something is worked out
        runs = runs[: len(samples) or 1]
    recorded = []
    if record:
        kept = runs if stopped is not None else runs[:1]
        recorded = [[bank.add(one.value) if n in chosen else None for n, one in enumerate(s)]
                    for _, s in kept]  # fmt: skip
    first = [bank.add(one) for one in (samples or given[:1])]
    data = {
        "model": trace.model,
        "inputs": [first[0], *(bank.add(one) for one in given[1:])],
        "samples": first,
        "labels": None if labels is None else [str(one) for one in labels],
        "classes": None if classes is None else [str(one) for one in classes],
        "batched": bool(samples) or _has_batch(trace),
        "blocks": blocks,
        "tensors": bank.plain,
        "calls": entries,
        "recorded": recorded,
        "modules": _modules(trace),
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
    """The samples of a batch, each as a batch of one; none where the first axis is no batch.

    It is one when the network gives its first sample the same answer alone.
    """
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
    _, together = watch(model, *given)
    try:
        _, alone = watch(model, given[0][:1], *given[1:])
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return False
    whole, part = together[-1].value, alone[-1].value
    fits = whole.dim() > 0 and len(whole) == len(given[0]) and whole[:1].shape == part.shape
    return fits and torch.allclose(whole[:1], part, rtol=1e-3, atol=1e-4, equal_nan=True)


def _has_batch(trace: Trace) -> bool:
    """Whether the input's first axis is a batch, as far as the layers' axes tell."""
    first = next((call for call in trace.calls if call.axes), None)
    return first is not None and first.axes.startswith("N")


def _chosen(trace: Trace, calls: Collection[int | str] | None) -> set[int]:
    """The indices of the calls whose numbers the page holds."""
    if calls is None:
        return set(range(len(trace.calls)))
    chosen = set()
    for wanted in calls:
        hits = [call.index for call in trace.calls if _is_in(call, wanted)]
        if not hits:
            raise ExplorerError(f"calls names {wanted!r}, which is no call of {trace.model}: give "
                                "indices or paths of its trace")  # fmt: skip
        chosen.update(hits)
    return chosen


def _is_in(call: Call, wanted: int | str) -> bool:
    if isinstance(wanted, int):
        return call.index == wanted
    return call.path == wanted or call.path.startswith(f"{wanted}.")


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
    # a page follows the first input only: the others are constants
    others = {one.position for one in operands_in(step) if one.number}
    sources = [CONSTANT if n in others else source for n, source in enumerate(call.sources)]
    return {
        "path": call.path,
        "kind": call.kind,
        "code": call.code,
        "shape": list(call.output_shapes[0]),
        "axes": call.axes,
        "sources": sources,
        "fields": [[_field(one) for one in fields] for fields in call.local_fields],
        "chosen": chosen,
        "op": op and _plain(op, call, bank),
    }


def _plain(op: Settings, call: Call, bank: _Bank) -> Settings:
    """Settings with operands as [call or input, number], tensors as their place in the bank."""
    made: Settings = {}
    for name, value in op.items():
        if name == "inputs":
            made[name] = [_operand(one, call, bank) for one in value]
        elif isinstance(value, Tensor):
            made[name] = {"tensor": bank.add(value)}
        elif isinstance(value, float) and not math.isfinite(value):
            made[name] = {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
        else:
            made[name] = value
    return made


def _operand(value: Any, call: Call, bank: _Bank) -> Any:
    if isinstance(value, Operand):
        source = call.sources[value.position]
        return ["call", source - value.number if source == MODEL_INPUT else source]
    return ["tensor", bank.add(value)] if isinstance(value, Tensor) else float(value)


def _field(field: AxisField) -> Any:
    """[size, step as two numbers, offset, runs] of a field; None where it is not known."""
    if field.size is None or field.stride is None:
        return None
    step = Fraction(field.stride)
    return [field.size, step.numerator, step.denominator, field.offset, field.runs]


def _alive(entries: Sequence[dict[str, Any]], call: Call) -> bool:
    """Whether the page can work a call out itself: it knows how, and it has what goes in."""
    op = entries[call.index]["op"]
    if op is None:
        return False
    reads = [one[1] for one in op["inputs"] if isinstance(one, list) and one[0] == "call"]
    return all(read < 0 or entries[read]["chosen"] for read in reads)


def _modules(trace: Trace) -> list[list[Any]]:
    """Containers that hold more than one call: [path, kind, depth, first, last]."""
    return [
        [one.path, one.kind, one.depth, one.first, one.last]
        for one in trace.modules
        if one.depth > 0 and one.last > one.first
    ]


def _check_size(bank: _Bank, data: dict[str, Any]) -> None:
    if bank.numbers <= MOST_NUMBERS:
        return
    recorded = {n for one in data["recorded"] for n in one if n is not None}
    counts = {
        "recorded values": sum(math.prod(bank.plain[n]["shape"]) for n in recorded),
        "inputs": sum(math.prod(bank.plain[n]["shape"]) for n in data["samples"]),
    }
    counts["weights"] = bank.numbers - sum(counts.values())
    parts = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    raise ExplorerError(
        f"the page would hold {bank.numbers:,} numbers ({parts}); it takes up to "
        f"{MOST_NUMBERS:,}: give a smaller input or fewer samples, choose some calls with "
        "calls=, or leave their values to the page with record=False"
    )
