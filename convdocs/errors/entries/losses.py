"""Losses: what the model returns against its targets."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.strategies import targets, upstream
from convdocs.errors.strategies.dtypes import indices_long, targets_float

_CLASSES = of_kind("cross_?entropy|nll")
_BINARY = of_kind("bce|binary_cross_entropy")


def _classes(failure: Failure) -> bool:
    return _CLASSES(failure) and not _BINARY(failure) and len(failure.tensors) > 1


FAMILY = Family(
    "losses",
    "Losses and their targets",
    "The output and the targets of a loss do not go together",
    "A loss of classes reads (N, classes, …) against (N, …) of whole numbers from 0. A loss of "
    "numbers reads two tensors of one shape, both floats.",
    (
        Entry(
            "target-shape",
            "Class targets of another shape than the output",
            (
                r"Expected target size \[(?P<need>[^\]]*)\], got \[(?P<got>[^\]]*)\]",
                r"0D or 1D target tensor expected, multi-target not supported",
                r"only batches of spatial targets supported \(3D tensors\) but got targets of "
                "(?:dimension|size)",
                r"size mismatch \(got input: ?\[[^\]]*\] ?, target: ?\[[^\]]*\]",
            ),
            "layer = nn.CrossEntropyLoss()\nx = torch.zeros(4, 7, 12)\n"
            "target = torch.zeros(4, 7, dtype=torch.int64)\nlayer(x, target)",
            (
                "The output is {shape_0}, its classes on axis 1; so the targets should be "
                "{target_shape}, and they are {shape_1}.",
            ),
            (
                targets.classes_to_axis_one,
                targets.trailing_axis,
                targets.one_hot_to_index,
                targets.coloured_mask,
                targets.resized_output,
            ),
            _classes,
        ),
        Entry(
            "target-batch",
            "Another number of targets than of outputs",
            (
                r"Expected input batch_size \((?P<a>\d+)\) to match target batch_size "
                r"\((?P<b>\d+)\)",
            ),
            "layer = nn.CrossEntropyLoss()\nx = torch.zeros(8, 10, 1)\n"
            "target = torch.zeros(1, 8, dtype=torch.int64)\nlayer(x, target)",
            (
                "There are {a} outputs and {b} targets: here are {operands}.",
                "Upstream, {lost_batch}.",
            ),
            (
                upstream.batch_kept,
                targets.classes_to_axis_one,
                targets.batch_swapped,
            ),
            _classes,
        ),
        Entry(
            "target-range",
            "A label that is no class",
            (r"Target -?\d+ is out of bounds",),
            "layer = nn.CrossEntropyLoss()\nx = torch.zeros(3, 10)\n"
            "target = torch.tensor([1, 10, 3])\nlayer(x, target)",
            (
                (
                    "The labels go from {least} to {largest}; {rows} classes are {valid}.",
                    "A label is outside the classes, {valid}.",
                ),
            ),
            (targets.ignored, targets.counted_from_one, targets.more_classes),
            _CLASSES,
        ),
        Entry(
            "target-dtype",
            "Class targets that are no whole numbers",
            (
                r"expected target dtype to be Long or Byte, but got (?P<got>\w+)",
                r"Expected floating point type for target with class probabilities, got "
                r"(?P<got>\w+)",
            ),
            "layer = nn.CrossEntropyLoss()\nx = torch.zeros(3, 10)\n"
            "target = torch.tensor([1.0, 4.0, 3.0])\nlayer(x, target)",
            (
                "The targets {shape_1} are {target_dtype}: class indices are int64, and "
                "probabilities floats in the shape of the output.",
            ),
            (targets.one_hot_to_index, indices_long(1)),
            _classes,
        ),
        Entry(
            "class-weights",
            "Class weights of another length",
            (r"weight tensor should be defined either for all (?P<rows>\d+)",),
            "layer = nn.CrossEntropyLoss(torch.ones(3))\nx = torch.zeros(3, 10)\n"
            "target = torch.tensor([1, 4, 3])\nlayer(x, target)",
            ("There are {rows} classes, and each has a weight.",),
            (targets.class_weights,),
        ),
        Entry(
            "binary-shape",
            "Targets of another shape in a binary loss",
            (
                r"Using a target size \(torch\.Size\(\[.*\]\)\) that is different to the input "
                "size",
                r"Target size \(torch\.Size\(\[.*\]\)\) must be the same as input size",
            ),
            "layer = nn.BCELoss()\nx = torch.zeros(8, 1)\ntarget = torch.ones(8)\nlayer(x, target)",
            (
                "The output is {shape_0}, the targets are {shape_1}; a binary loss compares value "
                "by value.",
            ),
            (targets.axis_for_target, targets.cross_entropy_for_classes),
            _BINARY,
        ),
        Entry(
            "binary-dtype",
            "Whole numbers as targets of a loss of numbers",
            (
                r"result type \w+ can't be cast to the desired output type",
                r"[Ff]ound dtype \w+ but expected \w+",
            ),
            "layer = nn.BCEWithLogitsLoss()\nx = torch.zeros(8)\n"
            "target = torch.ones(8, dtype=torch.int64)\nlayer(x, target)",
            ("The targets {shape_1} are {target_dtype}; this loss takes targets that are floats.",),
            (targets_float,),
            of_kind("bce|binary_cross_entropy|mse|l1_?loss|huber"),
        ),
        Entry(
            "binary-range",
            "Logits in a loss of probabilities",
            (r"all elements of (?P<which>input|target) should be between 0 and 1",),
            "layer = nn.BCELoss()\nx = torch.tensor([2.0, -1.0])\ntarget = torch.ones(2)\n"
            "layer(x, target)",
            (
                "Every value of the {which} must be a probability, from 0 to 1; logits go below 0 "
                "and above 1.",
            ),
            (targets.logits_for_bce,),
        ),
        Entry(
            "ctc-lengths",
            "CTC with the batch first, or lengths of another batch",
            (
                r"(?:input|target)_lengths must be of size batch_size",
                r"Expected (?:input|target)_lengths to have value at most",
            ),
            "layer = nn.CTCLoss()\nlog_probs = torch.zeros(4, 50, 20).log_softmax(2)\n"
            "target = torch.ones(4, 10, dtype=torch.int64)\n"
            "input_lengths = torch.full((4,), 50)\ntarget_lengths = torch.full((4,), 10)\n"
            "layer(log_probs, target, input_lengths, target_lengths)",
            (
                "The log-probabilities are {shape_0}, read as (time, batch, classes); the lengths "
                "say a batch of {last}.",
            ),
            (targets.time_first, targets.lengths_within),
            of_kind("ctc"),
        ),
        Entry(
            "divergence-target",
            "Class indices where a distribution is expected",
            (r"kl_div: Integral inputs not supported",),
            'layer = nn.KLDivLoss(reduction="batchmean")\nx = torch.zeros(4, 10).log_softmax(1)\n'
            "target = torch.zeros(4, dtype=torch.int64)\nlayer(x, target)",
            (
                "The divergence compares two distributions; the output is {shape_0}, and the "
                "targets {shape_1} are class indices.",
            ),
            (targets.one_hot_target,),
        ),
        Entry(
            "pair-labels",
            "A column of labels for pairs",
            (r"0D or 1D target tensor expected, multi-target not supported",),
            "layer = nn.CosineEmbeddingLoss()\na = torch.zeros(4, 8)\nb = torch.zeros(4, 8)\n"
            "target = torch.ones(4, 1)\nlayer(a, b, target)",
            ("Each pair has one label, 1 or −1: a vector. The shapes are {shapes}.",),
            (targets.vector_of_labels,),
            of_kind("embedding_?loss"),
        ),
        Entry(
            "triplet-rank",
            "Anchor, positive and negative of other ranks",
            (
                r"anchor, positive, and negative tensors are expected to have the same number of "
                "dimensions",
            ),
            "layer = nn.TripletMarginLoss()\nanchor = torch.zeros(4, 8)\n"
            "positive = torch.zeros(4, 8)\nnegative = torch.zeros(8)\n"
            "layer(anchor, positive, negative)",
            ("All three are (batch, features); the shapes are {shapes}.",),
            (targets.same_rank,),
        ),
    ),
)
