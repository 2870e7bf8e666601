"""Bring what goes with an input into its shape: a loss's targets, lengths, first states, biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from convdocs.errors.code import LEN
from convdocs.errors.known import VOID, Known
from convdocs.errors.repair import Repair, given, operands, rebuilt


def ignored(known: Known) -> Iterator[Repair]:
    """A label outside the classes that marks what has no class."""
    labels, classes = known.indices, int(known["rows"])
    values = set() if labels is None else set(labels.flatten().tolist())
    marks = [value for value in values if not 0 <= value < classes]
    if len(marks) == 1 and not 0 <= marks[0] < classes + VOID:
        yield rebuilt(known, ignore_index=marks[0])


def counted_from_one(known: Known) -> Iterator[Repair]:
    """Labels or indices from 1, where they are counted from 0."""
    labels, count = known.indices, int(known["rows"])
    for number, code in enumerate(operands(known)):
        if known.operands[number] is labels and known["largest"] == count and known["least"] >= 1:
            text = f"Count from 0: {count} are 0 to {count - 1}, and these begin at 1."
            yield given(known, {number: code - 1}, text)


def states(known: Known) -> Iterator[Repair]:
    """The one state of a cell for every sample, or a first state for the layers and batch."""
    settings, (x, *given_states) = known.settings, operands(known)
    if known.shapes[1][:1] == (1,):
        text = "The one state belongs to every sample of the batch."
        every = {n: state.expand(LEN(x), -1) for n, state in enumerate(given_states, 1)}
        yield given(known, every, text)
    layers = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    first = settings.get("batch_first") or len(known.shape) == 2
    state = known.shapes[1]
    if len(state) == 3 and state[0] % layers == 0 and state[0] > layers:
        parts = (layers, state[0] // layers)
        sums = [
            h.sum(0, keepdim=True) if layers == 1 else h.unflatten(0, parts).sum(1)
            for h in given_states
        ]
        text = f"There are {state[0]} states for {layers}, as of both directions: add them up."
        yield given(known, dict(enumerate(sums, 1)), text)
    sizes = [settings["hidden_size"]] * len(given_states)
    sizes[0] = settings.get("proj_size") or sizes[0]
    batch = LEN(x) if first else x.shape[1]
    yield given(known, {n: x.new_zeros(layers, batch, size) for n, size in enumerate(sizes, 1)})


_OUTPUTS = ("logits", "out", "last_hidden_state")  # of Transformers and torchvision


def tensor_of_outputs(known: Known) -> Iterator[Repair]:
    """The tensor among several that a model returned."""
    outputs, x = known.operands[0], operands(known)[0]
    text = "Take the tensor out: what was called before returns more than one."
    if isinstance(outputs, Mapping):
        key = min(outputs, key=lambda key: (key not in _OUTPUTS, list(outputs).index(key)))
        yield given(known, x[key], text)
    elif isinstance(outputs, tuple | list):
        yield given(known, x[0], text)
    for attribute in _OUTPUTS:
        if isinstance(getattr(outputs, attribute, None), Tensor):
            yield given(known, getattr(x, attribute), text)
