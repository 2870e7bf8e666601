"""Bring a loss's output and targets together: the axis of the classes, labels, shapes."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.errors.code import NN, TORCH, Code
from convdocs.errors.facts import Facts, indices
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, advice, given, instead, module, operand, rebuilt, result

_VOID = 100  # a label so far above the classes marks what has none: 255 in most data sets


def _pair(failure: Failure) -> tuple[Code, Code]:
    return operand(failure, 0), operand(failure, 1)


def classes_to_axis_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The classes are read on axis 1; a language model has them last."""
    x, y = _pair(failure)
    logits, target = failure.shapes[:2]
    if len(logits) > 2 and logits[:-1] == target:
        text = "The classes are on the last axis; the loss reads them on axis 1."
        moved = x.transpose(1, 2) if len(logits) == 3 else x.movedim(-1, 1)
        yield given(failure, text, moved)
        text = "Or take every position for a sample."
        yield given(failure, text, x.flatten(0, -2), y.flatten())


def trailing_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An axis of size 1 too many at the end of the output or of the targets."""
    x, y = _pair(failure)
    logits, target = failure.shapes[:2]
    if len(logits) == len(target) + 2 and logits[-1] == 1:
        text = "The output has an axis of size 1 too many at its end."
        yield given(failure, text, x.squeeze(-1))
    if len(target) > 1 and target[1] == 1 and len(target) == len(logits):
        right = target[:1] + target[2:]
        text = f"The targets have an axis of size 1 too many: {target} should be {right}."
        yield given(failure, text, x, y.squeeze(1))


def one_hot_to_index(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One-hot rows of whole numbers."""
    x, y = _pair(failure)
    if failure.shapes[0] == failure.shapes[1] and not failure.tensors[1].is_floating_point():
        text = "One-hot rows: the class is where the 1 is."
        yield given(failure, text, x, y.argmax(1))
        text = "Or make them floats, which are read as probabilities."
        yield given(failure, text, x, y.float())


def coloured_mask(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A mask of classes that was read as an image with colours."""
    x, y = _pair(failure)
    logits, target = failure.shapes[:2]
    if (
        len(target) == len(logits)
        and target[-1] in (3, 4)
        and target[:-1] == (logits[0], *logits[2:])
    ):
        text = (
            "The mask was read as a colour image: take one channel, if it holds the classes, or "
            "map colours to classes."
        )
        yield given(failure, text, x, y[..., 0])


def ignored(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A label outside the classes that marks what has no class."""
    found, classes = indices(failure), int(facts["rows"])
    if found is None:
        return
    odd = {int(one) for one in set(found.flatten().tolist()) if not 0 <= one < classes}
    marks = len(odd) == 1 and (min(odd) < 0 or min(odd) >= classes + _VOID)
    if marks:
        mark = odd.pop()
        text = f"{mark} marks what has no class: leave it out of the loss."
        if failure.layer is not None:
            yield from rebuilt(failure, text, ignore_index=mark)
        else:
            x, y = _pair(failure)
            call = getattr(NN.functional, failure.function)(x, y, ignore_index=mark)
            yield result(failure, text, call)


def counted_from_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Labels or indices from 1, where they are counted from 0."""
    found, count = indices(failure), int(facts["rows"])
    if found is not None and int(found.max()) == count and int(found.min()) >= 1:
        number = next(i for i, one in enumerate(failure.tensors) if one is found)
        codes = [operand(failure, place) for place in range(number + 1)]
        text = f"Count from 0: {count} are 0 to {count - 1}, and these begin at 1."
        yield given(failure, text, *codes[:-1], codes[-1] - 1)


def axis_for_target(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The axis of size 1 that the targets lack against the output."""
    x, y = _pair(failure)
    output, target = failure.shapes[:2]
    for axis in range(len(output)):
        if output[axis] == 1 and output[:axis] + output[axis + 1 :] == target:
            text = f"The output {output} has an axis of size 1 that the targets {target} lack."
            yield given(failure, text, x, y.unsqueeze(axis))
            yield given(failure, "Or take it out of the output.", x.squeeze(axis))
    for axis in range(len(target)):
        if target[axis] == 1 and target[:axis] + target[axis + 1 :] == output:
            text = f"The targets {target} have an axis of size 1 that the output {output} lacks."
            yield given(failure, text, x, y.squeeze(axis))


def cross_entropy_for_classes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An output a class, and one label a sample, are compared by cross-entropy."""
    x, y = _pair(failure)
    output, target = failure.shapes[:2]
    if len(output) == 2 and output[:1] == target and output[1] > 1:
        text = f"{output[1]} outputs and one label a sample are classes: use the cross-entropy."
        whole = y.long() if failure.tensors[1].is_floating_point() else y
        if failure.layer is None:
            yield result(failure, text, NN.functional.cross_entropy(x, whole))
            return
        loss = instead(failure, text, module("CrossEntropyLoss"))
        yield Repair(text, (*loss.steps, *given(failure, "", x, whole).steps))


def one_hot_target(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A distribution in place of class indices."""
    x, y = _pair(failure)
    output, target = failure.shapes[:2]
    if output[:-1] == target and not failure.tensors[1].is_floating_point():
        text = "The target is a distribution like the output: one-hot rows of the classes."
        hot = NN.functional.one_hot(y, x.shape[-1])
        shown = Code(f"nn.functional.one_hot({y}, {output[-1]})", hot._compute)
        yield given(failure, text, x, shown.float())


def logits_for_bce(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Logits have a loss of their own."""
    x = operand(failure, 0)
    text = "These are logits, not probabilities: use the loss that takes logits."
    if failure.layer is not None:
        yield instead(failure, text, module("BCEWithLogitsLoss"))
    else:
        call = NN.functional.binary_cross_entropy_with_logits(x, operand(failure, 1))
        yield result(failure, text, call)
    text = "Or bring them between 0 and 1 with a sigmoid, as the model's last layer."
    yield given(failure, text, x.sigmoid())


def resized_output(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A map of scores in the size of the mask it is compared with."""
    x, y = _pair(failure)
    output, target = failure.shapes[:2]
    if len(output) == len(target) + 1 and output[0] == target[0] and len(output) > 3:
        text = f"Bring the scores of {output[2:]} to the mask's size."
        scaled = NN.functional.interpolate(x, size=y.shape[1:], mode="bilinear")
        if len(output) != 4:
            scaled = NN.functional.interpolate(x, size=y.shape[1:])
        yield given(failure, text, scaled)


def time_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """CTC reads (T, N, C)."""
    if len(failure.shapes) > 2 and failure.shapes[0][:1] == failure.shapes[2][:1]:
        text = "The log-probabilities are (T, N, C): time first, the batch second."
        yield given(failure, text, operand(failure, 0).transpose(0, 1))


def lengths_within(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Lengths of the sequences that the model returns, after its strides and pools."""
    if len(failure.shapes) == 4 and failure.shapes[2] == failure.shapes[0][1:2]:
        codes = [operand(failure, place) for place in range(3)]
        text = (
            f"The model returns {failure.shapes[0][0]} steps: count the lengths behind its strides "
            "and pools."
        )
        yield given(failure, text, *codes[:2], codes[2].clamp(max=codes[0].shape[0]))


def vector_of_labels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A column of labels, where a vector is read; the labels are the last operand."""
    number = len(failure.tensors) - 1
    shape = failure.shapes[number]
    if len(shape) == 2 and shape[1] == 1:
        codes = [operand(failure, place) for place in range(number + 1)]
        text = f"One label a sample is a vector: {shape} should be {shape[:1]}."
        yield given(failure, text, *codes[:-1], codes[-1].squeeze(1))


def same_rank(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand that lacks the batch axis gets it."""
    most = max(map(len, failure.shapes))
    codes = [
        operand(failure, place).unsqueeze(0) if len(shape) == most - 1 else operand(failure, place)
        for place, shape in enumerate(failure.shapes)
    ]
    yield given(failure, "One for all samples: give it the batch axis.", *codes)


def class_weights(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A weight for each class."""
    if failure.layer is not None:
        classes = int(facts["rows"])
        code = module("CrossEntropyLoss", weight=TORCH.ones(classes))
        yield instead(failure, f"Give each of the {classes} classes a weight.", code)


def batch_swapped(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Targets whose first two axes are the other way round."""
    x, y = _pair(failure)
    output, target = failure.shapes[:2]
    if len(target) == 2 and target[::-1] == output[:1] + output[2:]:
        text = "The targets have their axes the other way round."
        yield given(failure, text, x, y.transpose(0, 1))


def more_classes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """As many outputs as there are labels."""
    found = indices(failure)
    if found is not None and int(facts["rows"]) <= int(found.max()) < int(facts["rows"]) + _VOID:
        count = int(found.max()) + 1
        text = f"Or let the model's last layer make {count} classes."
        yield advice(text, f"the last layer: nn.Linear(..., {count})")
