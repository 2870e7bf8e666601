"""Where a convolution's output meets a linear layer: flatten, view, in_features."""

from convdocs.errors.entry import Entry, Family
from convdocs.errors.strategies import axes, sequences, upstream

FAMILY = Family(
    "linear",
    "Flatten and linear layers",
    "The features that arrive are not those a layer was built for",
    "A linear layer multiplies the last axis. After convolutions the input is flattened first, and "
    "in_features must be channels x height x width of what arrives there.",
    (
        Entry(
            "features-mismatch",
            "The linear layer's in_features does not fit",
            (
                r"mat1 and mat2 shapes cannot be multiplied \(\d+x(?P<got>\d+) and "
                r"(?P<need>\d+)x\d+\)",
                r"a and b must have same reduction dim, but got \[\d+, (?P<got>\d+)\] X "
                r"\[(?P<need>\d+), \d+\]",
                r"size mismatch, got input \(\d+\), mat \(\d+x(?P<need>\d+)\), vec "
                r"\((?P<got>\d+)\)",
                r"Expected size for first two dimensions of batch2 tensor to be: "
                r"\[\d+, (?P<got>\d+)\] but got: \[\d+, (?P<need>\d+)\]",
                r"inconsistent tensor size, expected tensor \[(?P<got>\d+)\] and src "
                r"\[(?P<need>\d+)\]",
            ),
            "model = nn.Sequential(\n    nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Flatten(), "
            "nn.Linear(400, 10)\n)\nx = torch.zeros(2, 3, 28, 28)\nmodel(x)",
            (
                (
                    "The last axis of {input} has {last} values; {name} multiplies {in_features}.",
                    "A product of matrices takes as many columns on the left as rows on the right; "
                    "here it is {got} against {need}.",
                ),
                "{flattened}.",
                "{built_for}.",
                "Upstream, {lost_batch}.",
                "Upstream, {unbatched}.",
            ),
            (
                axes.no_batch,
                upstream.batch_kept,
                sequences.memory_width,
                axes.features_last,
                axes.flattened_first,
                upstream.built_for_features,
                upstream.image_of_size,
                axes.turned_around,
            ),
        ),
        Entry(
            "linear-scalar",
            "A number without axes where a vector is expected",
            (r"both arguments to (?P<op>\w+) need to be at least 1D, but they are \dD and \dD",),
            "layer = nn.Linear(1, 2)\nx = torch.tensor(3.0)\nlayer(x)",
            ("The input () has no axes; {name} multiplies the last one.",),
            (axes.scalar_to_vector,),
        ),
        Entry(
            "no-such-axis",
            "An axis that the tensor does not have",
            (
                r"Dimension out of range \(expected to be in range of \[-?\d+, -?\d+\], but got "
                r"(?P<got>-?\d+)\)",
                r"Dimension specified as (?P<got>-?\d+) but tensor has no dimensions",
                r"flatten\(\) has invalid args: start_dim cannot come after end_dim",
            ),
            "layer = nn.Flatten(start_dim=2)\nx = torch.zeros(4, 5)\nlayer(x)",
            (
                (
                    "{name} names axis {got}; the axes of {input} are {axis_range}.",
                    "{name} names an end before its start; the axes of {input} are {axis_range}.",
                    "{name} names axis {got}; the tensor has fewer axes.",
                ),
            ),
            (axes.axis_there_is,),
        ),
        Entry(
            "view-size",
            "A new shape with another number of values",
            (
                r"shape '\[(?P<shape>[^\]]*)\]' is invalid for input of size (?P<size>\d+)",
                r"invalid shape dimension (?P<bad>-?\d+)(?: at index \d+ of shape "
                r"\[(?P<shape>[^\]]*)\])?",
                r"only one dimension can be inferred",
                r"cannot reshape tensor of 0 elements into shape \[(?P<shape>[^\]]*)\]",
            ),
            "x = torch.zeros(4, 16, 4, 4)\nx.view(4, 400)",
            (
                (
                    "{input} has {values} values; {asked_values}.",
                    "{input} has {values} values; only one size may be left open with −1.",
                ),
                "Upstream, {unbatched}.",
            ),
            (
                axes.no_batch,
                upstream.heads_apart,
                upstream.batch_kept_here,
                upstream.anything_flat,
            ),
            lambda failure: failure.layer is None,
        ),
        Entry(
            "view-not-contiguous",
            "view() on a tensor whose values lie in another order",
            (r"view size is not compatible with input tensor's size and stride",),
            "x = torch.zeros(2, 3, 4, 5).permute(0, 2, 3, 1)\nx.view(2, -1)",
            (
                "{input} was permuted, transposed or sliced, so its values do not lie in the order "
                "of its axes; view() never copies.",
                "Its strides are {strides}.",
            ),
            (upstream.axes_put_back, upstream.copied),
        ),
        Entry(
            "unflatten-size",
            "Sizes that do not multiply up to the axis",
            (
                r"unflatten: Provided sizes \[(?P<sizes>[^\]]*)\] don't multiply up to the size of "
                r"dim (?P<axis>-?\d+) \((?P<size>\d+)\)",
            ),
            "layer = nn.Unflatten(1, (3, 4))\nx = torch.zeros(2, 10)\nlayer(x)",
            ("Axis {axis} has {size} values; the sizes {sizes} do not multiply up to {size}.",),
            (axes.unflattened,),
        ),
        Entry(
            "permute-axes",
            "A permutation of another number of axes",
            (
                r"permute\(sparse_coo\): number of dimensions in the tensor input does not match "
                r"the length of the desired ordering of dimensions i\.e\. input\.dim\(\) = \d+ is "
                r"not equal to len\(dims\) = (?P<got>\d+)",
                r"duplicate dims are not allowed",
            ),
            "x = torch.zeros(2, 8, 8, 3)\nx.permute(0, 2, 1)",
            (
                "A permutation names each axis exactly once; {input} has {axes}.",
                ("{got} were named.", "One was named twice."),
            ),
            (axes.every_axis_named,),
        ),
    ),
)
