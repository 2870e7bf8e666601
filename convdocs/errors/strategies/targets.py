"""Bring a loss's output and targets together: the axis of the classes, labels, shapes."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convdocs.errors.code import NN, TORCH, Code
from convdocs.errors.facts import VOID, Facts, indices
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, assigned, given, here, operands, rebuilt


def positions_as_samples(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if len(failure.shape) > 2:
        x, y = operands(failure)[:2]
        yield given(failure, {0: x.flatten(0, -2), 1: y.flatten()})


def one_hot_target(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A distribution in place of class indices."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if output[:-1] == target:
        hot = NN.functional.one_hot(y, x.shape[-1])
        shown = Code(f"nn.functional.one_hot({y}, {output[-1]})", hot._compute)
        yield given(failure, {1: shown.float()})


def ignored(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A label outside the classes that marks what has no class."""
    labels, classes = indices(failure), int(facts["rows"])
    values = set() if labels is None else set(labels.flatten().tolist())
    marks = [value for value in values if not 0 <= value < classes]
    if len(marks) == 1 and not 0 <= marks[0] < classes + VOID:
        if failure.layer is not None:
            yield from rebuilt(failure, ignore_index=marks[0])
        else:
            call = getattr(NN.functional, failure.function)
            ignoring = call(*operands(failure)[:2], ignore_index=marks[0])
            yield assigned(failure, "y", ignoring, words={"ignore_index": marks[0]})


def counted_from_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Labels or indices from 1, where they are counted from 0."""
    labels, count = indices(failure), int(facts["rows"])
    for number, code in enumerate(operands(failure)):
        if failure.operands[number] is labels and facts["largest"] == count and facts["least"] >= 1:
            text = f"Count from 0: {count} are 0 to {count - 1}, and these begin at 1."
            yield given(failure, {number: code - 1}, text)


def cross_entropy_for_classes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One output per class and one label per sample are compared by cross-entropy."""
    output, target = failure.shapes[:2]
    if len(output) == 2 and output[:1] == target and output[1] > 1:
        yield _other_loss(failure, "CrossEntropyLoss", "cross_entropy", operands(failure)[1].long())


def loss_of_logits(failure: Failure, facts: Facts) -> Iterator[Repair]:
    function = "binary_cross_entropy_with_logits"
    yield _other_loss(failure, "BCEWithLogitsLoss", function, operands(failure)[1])


def _other_loss(failure: Failure, kind: str, function: str, target: Code) -> Repair:
    """Another loss, as a layer or a function as the failing one is."""
    if failure.layer is None:
        call = getattr(NN.functional, function)(operands(failure)[0], target)
        return assigned(failure, "y", call)
    return assigned(failure, "layer", getattr(NN, kind)()) + given(failure, {1: target})


def shaped_like_target(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """As many values a sample in another shape: images, and what a decoder's last layer made."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if prod(output) == prod(target) and output[:1] == target[:1]:
        yield given(failure, {0: x.reshape(y.shape)})


def turned(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The call with its first two operands in the other order."""
    x, target = operands(failure)[:2]
    function = getattr(NN.functional, failure.function) if failure.layer is None else here(failure)
    yield assigned(failure, "y", function(target, x))


def resized_output(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A map of scores in the size of the mask it is compared with."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if len(output) == len(target) + 1 and output[0] == target[0] and len(output) > 3:
        mode = {"mode": "bilinear"} if len(output) == 4 else {}
        yield given(failure, {0: NN.functional.interpolate(x, size=y.shape[1:], **mode)})


def lengths_within(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Lengths of the sequences that the model returns, after its strides and pools."""
    x, _, lengths, _ = operands(failure)
    if failure.shapes[2] == failure.shape[1:2]:
        yield given(failure, {2: lengths.clamp(max=x.shape[0])})


def same_rank(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand that lacks the batch axis gets it."""
    most = max(map(len, failure.shapes))
    pairs = enumerate(zip(operands(failure), failure.shapes, strict=True))
    yield given(failure, {n: x.unsqueeze(0) for n, (x, own) in pairs if len(own) == most - 1})


def class_weights(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if failure.layer is not None:
        weights = TORCH.ones(int(facts["rows"]))
        yield assigned(failure, "layer", NN.CrossEntropyLoss(weight=weights))
