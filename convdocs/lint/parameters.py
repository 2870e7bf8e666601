"""Parameters that learn nothing: undone by a norm, of one value, or unknown to the model."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from convdocs.lint.graph import Graph
from convdocs.report import Call


def bias_before_norm(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """A bias that a norm subtracts again, together with the mean of its channel."""
    bias = dict(call.parameters).get("bias")
    readers = graph.readers.get(call.index, [])
    if bias is None or not readers or call.index in graph.returned:
        return
    rank = 2 if call.family == "linear" else len(call.windows) + 2  # channels are axis 1
    if len(call.output_shapes[0]) == rank and all(_subtracts(call, norm) for norm in readers):
        yield (
            f"The bias of {call.code} ({prod(bias)} numbers) does nothing: {readers[0].kind} "
            "after it subtracts each channel's mean.",
            "Give the layer bias=False.",
        )


def _subtracts(call: Call, norm: Call) -> bool:
    return norm.family in ("batch norm", "instance norm") and norm.sources[0] == call.index


def one_value_norm(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """A normalisation over a single value, which is always the mean of itself."""
    if _normalised(call) != 1:
        return
    outcome = (
        "each is divided by its own size, so that only its sign is left"
        if call.family == "rms norm"
        else "each is its own mean, so the output is the same whatever the input"
    )
    yield (
        f"{call.code} normalises one value at a time on {call.input_shapes[0]}: {outcome}.",
        "Use a larger batch or input, fewer groups, or no normalisation here.",
    )


def _normalised(call: Call) -> int:
    """Values that one mean is taken over; 0 where the layer takes none."""
    shape, settings = call.input_shapes[0], dict[str, Any](call.settings)
    if not settings:  # a function called by a name that takes no care
        return 0
    match call.family:
        case "group norm":
            return prod(shape[1:]) // int(settings["num_groups"])
        case "layer norm" | "rms norm":
            axes = settings["normalized_shape"]
            return prod(axes) if isinstance(axes, tuple) else int(axes)
    # batch norm, instance norm: by the input's own statistics or by those of the training
    running = settings.get("track_running_stats", False)
    own = settings.get("training", settings.get("use_input_stats", call.training or not running))
    if not own or len(shape) < 2:
        return 0
    return prod(shape[2:]) * (shape[0] if call.family == "batch norm" else 1)


def unregistered_parameters(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """Trainable parameters that an optimiser of the model never sees."""
    yield (
        f"{call.code} uses {call.unregistered} trainable numbers that are not among the "
        "model's parameters: no optimiser, state_dict() or to() of the model reaches them.",
        "Make the layer in __init__ and keep it as an attribute or in an nn.ModuleList, not "
        "in a plain list or dict.",
    )
