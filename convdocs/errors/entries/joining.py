"""Two tensors that meet: concatenation, stacking, sums, products."""

from convdocs.errors.entry import Entry, Family
from convdocs.errors.strategies import axes, joins, sequences, shortcuts, upstream

_SIZES = (shortcuts.same_size, joins.resized)

FAMILY = Family(
    "joining",
    "Skip connections: adding and concatenating",
    "Two tensors that meet do not have one shape",
    "Two branches that meet again must agree: cat() in every axis but the joined one, a sum in "
    "every axis (or with size 1, which is repeated). A floor in a pool or a strided convolution "
    "loses a row, and an upsampling does not bring it back.",
    (
        Entry(
            "cat-sizes",
            "Concatenated tensors of other sizes",
            (
                r"Sizes of tensors must match except in dimension (?P<dim>-?\d+)\. (?:Expected "
                r"size (?P<want>\d+) but got size (?P<got>\d+) for tensor number (?P<which>\d+) in "
                r"the list|Expected .* in dimension \d+ but got .* for tensor number \d+ in the "
                r"list)",
            ),
            "a = torch.zeros(1, 8, 56, 56)\nb = torch.zeros(1, 8, 57, 57)\n"
            "y = torch.cat([a, b], 1)",
            (
                (
                    "Along axis {dim} the sizes may differ, elsewhere not; here are {operands}.",
                    "Along axis {dim} the sizes may differ, elsewhere not: tensor {which} has "
                    "{got} where the first has {want}.",
                ),
                "{unlike}",
                "{ways}",
                "Images whose sizes are multiples of {multiple} avoid it.",
            ),
            (
                axes.no_batch,
                joins.one_for_all,
                joins.missing_axes,
                joins.along_other_axis,
                joins.resized,
                shortcuts.same_size,
                joins.cut,
            ),
        ),
        Entry(
            "cat-rank",
            "Concatenated tensors with another number of axes",
            (
                r"Tensors must have same number of dimensions: got \d+ and \d+",
                r"zero-dimensional tensor \(at position \d+\) cannot be concatenated",
                r"Number of dimensions of tensors must match\.\s+Expected \d+-D tensors, but got "
                r"\d+-D",
            ),
            "a = torch.zeros(2, 3, 8)\nb = torch.zeros(2, 3)\ny = torch.cat([a, b], -1)",
            (
                "{shapes} do not have the same number of axes, and cat() adds none; there must be "
                "at least 1.",
            ),
            (joins.missing_axes, joins.stacked_numbers),
        ),
        Entry(
            "stack-sizes",
            "Stacked tensors of other sizes",
            (r"stack expects each tensor to be equal size, but got",),
            "a = torch.zeros(8, 3)\nb = torch.zeros(7, 3)\ny = torch.stack([a, b])",
            ("To be stacked, tensors must have one and the same shape; here they are {shapes}.",),
            (joins.padded_sequences,),
        ),
        Entry(
            "broadcast",
            "A sum or product of tensors whose sizes do not fit",
            (
                r"The size of tensor a \(\d+\) must match the size of tensor b \(\d+\) at "
                r"non-singleton dimension (?P<axis>-?\d+)",
                r"Attempting to broadcast a dimension of length \d+ at (?P<axis>-?\d+)! "
                "Mismatching argument",
                r"The expanded size of the tensor \(\d+\) must match the existing size "
                r"\(\d+\) at non-singleton dimension (?P<axis>\d+)",
            ),
            "a = torch.zeros(1, 8, 28, 28)\nb = torch.zeros(1, 16, 28, 28)\ny = a + b",
            (
                (
                    "Here are {operands}; counted from the last axis, sizes must be equal or 1.",
                    "Sizes must be equal or 1 in each axis, counted from the last; in axis {axis} "
                    "they are not.",
                ),
                "{unlike}",
                "{ways}",
                "{positions}",
                "Images whose sizes are multiples of {multiple} avoid it.",
                "Upstream, {unbatched}.",
            ),
            (
                axes.no_batch,
                upstream.image_for_positions,
                sequences.longer_positions,
                joins.missing_axes,
                *_SIZES,
                shortcuts.widened,
                joins.cut,
            ),
        ),
        Entry(
            "matrix-rank",
            "A matrix product of tensors that have too few axes",
            (
                r"vector and vector|batch[12] must be a 3D tensor|self must be a matrix"
                r"|mat2 must be a matrix",
            ),
            "a = torch.zeros(3)\nb = torch.zeros(3)\ny = torch.mm(a, b)",
            ("This product takes matrices of a fixed rank; it got {shapes}.",),
            (axes.rows_for_bmm,),
        ),
        Entry(
            "distance-columns",
            "Distances of points with another number of coordinates",
            (r"X1 and X2 must have the same number of columns\. X1: (?P<a>\d+) X2: (?P<b>\d+)",),
            "a = torch.zeros(10, 3)\nb = torch.zeros(3, 8)\ntorch.cdist(a, b)",
            ("Each row is a point: the points of a have {a} coordinates, those of b {b}.",),
            (axes.turned_around,),
        ),
    ),
)
