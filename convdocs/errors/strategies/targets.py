"""Bring what goes with an input into its shape: a loss's targets, lengths, first states, biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from torch import Tensor

from convdocs.errors.code import LEN, NN, TORCH, Code, run
from convdocs.errors.facts import VOID, Known, indices
from convdocs.errors.repair import Repair, assigned, given, here, operands, rebuilt


def positions_as_samples(known: Known) -> Iterator[Repair]:
    if len(known.shape) > 2:
        x, y = operands(known)[:2]
        yield given(known, {0: x.flatten(0, -2), 1: y.flatten()})


def one_hot_target(known: Known) -> Iterator[Repair]:
    """A distribution in place of class indices."""
    (x, y), (output, target) = operands(known)[:2], known.shapes[:2]
    if output[:-1] == target:
        hot = NN.functional.one_hot(y, x.shape[-1])
        shown = Code(f"nn.functional.one_hot({y}, {output[-1]})", hot._compute)
        yield given(known, {1: shown.float()})


def ignored(known: Known) -> Iterator[Repair]:
    """A label outside the classes that marks what has no class."""
    labels, classes = indices(known), int(known["rows"])
    values = set() if labels is None else set(labels.flatten().tolist())
    marks = [value for value in values if not 0 <= value < classes]
    if len(marks) == 1 and not 0 <= marks[0] < classes + VOID:
        yield rebuilt(known, ignore_index=marks[0])


def counted_from_one(known: Known) -> Iterator[Repair]:
    """Labels or indices from 1, where they are counted from 0."""
    labels, count = indices(known), int(known["rows"])
    for number, code in enumerate(operands(known)):
        if known.operands[number] is labels and known["largest"] == count and known["least"] >= 1:
            text = f"Count from 0: {count} are 0 to {count - 1}, and these begin at 1."
            yield given(known, {number: code - 1}, text)


def other_loss(known: Known, kind: str, function: str, whole: bool = False) -> Iterator[Repair]:
    """Another loss, as a layer or a function as the failing one is; of whole numbers if need be."""
    x, target = operands(known)[:2]
    target = target.long() if whole else target
    if known.layer is None:
        yield assigned(known, "y", getattr(NN.functional, function)(x, target))
    else:
        yield assigned(known, "layer", getattr(NN, kind)()) + given(known, {1: target})


def resized_output(known: Known) -> Iterator[Repair]:
    """A map of scores in the size of the mask it is compared with."""
    (x, y), (output, target) = operands(known)[:2], known.shapes[:2]
    if len(output) == len(target) + 1 and output[0] == target[0] and len(output) > 3:
        mode = {"mode": "bilinear"} if len(output) == 4 else {}
        yield given(known, {0: NN.functional.interpolate(x, size=y.shape[1:], **mode)})


def lengths_within(known: Known) -> Iterator[Repair]:
    """Lengths of the sequences that the model returns, after its strides and pools."""
    x, _, lengths, _ = operands(known)
    if known.shapes[2] == known.shape[1:2]:
        yield given(known, {2: lengths.clamp(max=x.shape[0])})


def same_rank(known: Known) -> Iterator[Repair]:
    """The operand that lacks the batch axis gets it."""
    most = max(map(len, known.shapes))
    pairs = enumerate(zip(operands(known), known.shapes, strict=True))
    yield given(known, {n: x.unsqueeze(0) for n, (x, own) in pairs if len(own) == most - 1})


def class_weights(known: Known) -> Iterator[Repair]:
    if known.layer is not None:
        weights = TORCH.ones(int(known["rows"]))
        yield assigned(known, "layer", NN.CrossEntropyLoss(weight=weights))


def states(known: Known) -> Iterator[Repair]:
    """The one state of a cell for every sample, or a first state for the layers and batch."""
    settings, (x, *given_states) = known.settings, operands(known)
    if known.shapes[1][:1] == (1,):
        text = "The one state belongs to every sample of the batch."
        every = {n: state.expand(LEN(x), -1) for n, state in enumerate(given_states, 1)}
        yield given(known, every, text)
    layers = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    first = settings.get("batch_first") or len(known.shape) == 2
    sizes = [settings["hidden_size"]] * len(given_states)
    sizes[0] = settings.get("proj_size") or sizes[0]
    batch = LEN(x) if first else x.shape[1]
    yield given(known, {n: x.new_zeros(layers, batch, size) for n, size in enumerate(sizes, 1)})


def shaped_like_target(known: Known) -> Iterator[Repair]:
    """As many values a sample in another shape: images, and what a decoder's last layer made."""
    (x, y), (output, target) = operands(known)[:2], known.shapes[:2]
    if prod(output) == prod(target) and output[:1] == target[:1]:
        yield given(known, {0: x.reshape(y.shape)})


def turned(known: Known) -> Iterator[Repair]:
    """The call with its first two operands in the other order."""
    x, target = operands(known)[:2]
    function = getattr(NN.functional, known.function) if known.layer is None else here(known)
    yield assigned(known, "y", function(target, x))


def both_states(known: Known) -> Iterator[Repair]:
    h = operands(known)[1]
    zeros = TORCH.zeros_like(h)
    both = Code(f"({h}, {zeros})", lambda scope: (run(h, scope), run(zeros, scope)))
    yield given(known, {1: both}, "Hand over both, with zeros for c where there is none yet.")


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
