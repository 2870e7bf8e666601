"""Bring a loss's output and targets together: the axis of the classes, labels, shapes."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.errors.code import NN, TORCH, Code
from convdocs.errors.facts import Facts, indices
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, instead, module, operands, rebuilt, result

_VOID = 100  # a label so far above the classes marks what has none: 255 in most data sets


def classes_to_axis_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The classes are read on axis 1; a language model has them last."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if len(output) > 2 and output[:-1] == target:
        text = "The classes are on the last axis; the loss reads them on axis 1."
        moved = x.transpose(1, 2) if len(output) == 3 else x.movedim(-1, 1)
        yield given(failure, text, moved)
        text = "Or take every position for a sample."
        yield given(failure, text, {0: x.flatten(0, -2), 1: y.flatten()})


def axis_of_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An axis of size 1 that the output or the targets have, and the other lacks."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    for axis, size in enumerate(output):
        if size == 1 and output[:axis] + output[axis + 1 :] == target:
            text = f"The output {output} has an axis of size 1 that the targets {target} lack."
            yield given(failure, text, {1: y.unsqueeze(axis)})
            yield given(failure, "Or take it out of the output.", x.squeeze(axis))
    for axis, size in enumerate(target):
        if size == 1 and target[:axis] + target[axis + 1 :] == output:
            text = f"The targets {target} have an axis of size 1 that the output {output} lacks."
            yield given(failure, text, {1: y.squeeze(axis)})


def one_hot_to_index(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One-hot rows of whole numbers."""
    y = operands(failure)[1]
    if failure.shapes[0] == failure.shapes[1] and not failure.tensors[1].is_floating_point():
        yield given(failure, "One-hot rows: the class is where the 1 is.", {1: y.argmax(1)})
        text = "Or make them floats, which are read as probabilities."
        yield given(failure, text, {1: y.float()})


def one_hot_target(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A distribution in place of class indices."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if output[:-1] == target and not failure.tensors[1].is_floating_point():
        text = "The target is a distribution like the output: one-hot rows of the classes."
        hot = NN.functional.one_hot(y, x.shape[-1])
        shown = Code(f"nn.functional.one_hot({y}, {output[-1]})", hot._compute)
        yield given(failure, text, {1: shown.float()})


def coloured_mask(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A mask of classes that was read as an image with colours."""
    output, target = failure.shapes[:2]
    if target[-1:] in ((3,), (4,)) and target[:-1] == (output[0], *output[2:]):
        text = (
            "The mask was read as a colour image: take one channel, if it holds the classes, or "
            "map colours to classes."
        )
        yield given(failure, text, {1: operands(failure)[1][..., 0]})


def ignored(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A label outside the classes that marks what has no class."""
    labels, classes = indices(failure), int(facts["rows"])
    marks = (
        []
        if labels is None
        else [n for n in set(labels.flatten().tolist()) if not 0 <= n < classes]
    )
    if len(marks) == 1 and not 0 <= marks[0] < classes + _VOID:
        text = f"{marks[0]} marks what has no class: leave it out of the loss."
        if failure.layer is not None:
            yield from rebuilt(failure, text, ignore_index=marks[0])
        else:
            call = getattr(NN.functional, failure.function)
            yield result(failure, text, call(*operands(failure)[:2], ignore_index=marks[0]))


def counted_from_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Labels or indices from 1, where they are counted from 0."""
    labels, count = indices(failure), int(facts["rows"])
    for number, code in enumerate(operands(failure)):
        if failure.operands[number] is labels and facts["largest"] == count and facts["least"] >= 1:
            text = f"Count from 0: {count} are 0 to {count - 1}, and these begin at 1."
            yield given(failure, text, {number: code - 1})


def more_classes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """As many outputs as there are labels."""
    classes, largest = int(facts["rows"]), facts["largest"]
    if classes <= largest < classes + _VOID:
        text = f"Or let the model's last layer make {largest + 1} classes."
        yield Repair(text, note=f"# the last layer: nn.Linear(..., {largest + 1})")


def cross_entropy_for_classes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An output a class, and one label a sample, are compared by cross-entropy."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if len(output) == 2 and output[:1] == target and output[1] > 1:
        text = f"{output[1]} outputs and one label a sample are classes: use the cross-entropy."
        whole = y.long() if failure.tensors[1].is_floating_point() else y
        if failure.layer is None:
            yield result(failure, text, NN.functional.cross_entropy(x, whole))
        else:
            loss = instead(failure, text, module("CrossEntropyLoss"))
            yield loss + given(failure, "", {1: whole})


def loss_of_logits(failure: Failure, facts: Facts) -> Iterator[Repair]:
    text = "These are logits, not probabilities: use the loss that takes logits."
    if failure.layer is not None:
        yield instead(failure, text, module("BCEWithLogitsLoss"))
    else:
        call = NN.functional.binary_cross_entropy_with_logits(*operands(failure)[:2])
        yield result(failure, text, call)


def resized_output(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A map of scores in the size of the mask it is compared with."""
    (x, y), (output, target) = operands(failure)[:2], failure.shapes[:2]
    if len(output) == len(target) + 1 and output[0] == target[0] and len(output) > 3:
        text = f"Bring the scores of {output[2:]} to the mask's size."
        mode = {"mode": "bilinear"} if len(output) == 4 else {}
        yield given(failure, text, NN.functional.interpolate(x, size=y.shape[1:], **mode))


def lengths_within(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Lengths of the sequences that the model returns, after its strides and pools."""
    if len(failure.shapes) == 4 and failure.shapes[2] == failure.shapes[0][1:2]:
        steps, (x, _, lengths) = failure.shapes[0][0], operands(failure)[:3]
        text = f"The model returns {steps} steps: count the lengths behind its strides and pools."
        yield given(failure, text, {2: lengths.clamp(max=x.shape[0])})


def same_rank(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand that lacks the batch axis gets it."""
    ranks = list(map(len, failure.shapes))
    lone = [number for number, rank in enumerate(ranks) if rank == max(ranks) - 1]
    text = "One for all samples: give it the batch axis."
    yield given(failure, text, {n: operands(failure)[n].unsqueeze(0) for n in lone})


def class_weights(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if failure.layer is not None:
        classes = int(facts["rows"])
        code = module("CrossEntropyLoss", weight=TORCH.ones(classes))
        yield instead(failure, f"Give each of the {classes} classes a weight.", code)
