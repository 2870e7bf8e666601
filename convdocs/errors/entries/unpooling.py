"""The unpools, which put a max pool's values back in their places."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.sizes import setting
from convdocs.errors.strategies import settings
from convdocs.errors.strategies.dtypes import indices_long
from convdocs.errors.strategies.settings import change

_START = (
    "pool = nn.MaxPool2d(2, return_indices=True)\nlayer = nn.MaxUnpool2d(2)\n"
    "x, indices = pool(torch.zeros(1, 3, 8, 8))\n"
)

FAMILY = Family(
    "unpooling",
    "Unpools and their indices",
    "An unpool and its pool do not go together",
    "nn.MaxUnpool2d puts values where nn.MaxPool2d(…, return_indices=True) found them. The indices "
    "number the cells of the pool's input, so values, indices and output size must fit together.",
    (
        Entry(
            "unpool-indices-shape",
            "Indices of another shape than the values",
            (
                r"Expected shape of indices to be same as that of the input tensor \("
                r"(?:torch\.Size\()?\[(?P<input_shape>[^\]]*)\]\)?\) but got indices tensor with "
                r"shape: (?:torch\.Size\()?\[(?P<got>[^\]]*)\]",
            ),
            f"{_START}x = x[:, :, :3]\nlayer(x, indices)",
            (
                "The values have the shape ({input_shape}), their indices ({got}); each value "
                "needs its own index, so the shapes must be equal.",
            ),
            (settings.shared_cells,),
        ),
        Entry(
            "unpool-indices-dtype",
            "Indices that are not int64",
            (r"elements in indices should be type int64(?: but got: \w+)?",),
            f"{_START}indices = indices.int()\nlayer(x, indices)",
            ("A max pool returns its indices as torch.int64, and an unpool takes only that.",),
            (indices_long(1),),
        ),
        Entry(
            "unpool-index-range",
            "An index outside the unpool's output",
            (
                r"[Ff]ound an invalid max index:? (?P<index>-?\d+) \(output volumes are of size "
                r"(?P<size>[\dx ]*)",
            ),
            "pool = nn.MaxPool2d(3, return_indices=True)\nlayer = nn.MaxUnpool2d(2)\n"
            "x, indices = pool(torch.arange(81.0).reshape(1, 1, 9, 9))\nlayer(x, indices)",
            (
                "An index says cell {index}; the output of {size} has {cells} cells, counted from "
                "0. The indices come from a pool over a larger input.",
            ),
            (settings.restored_window,),
        ),
        Entry(
            "unpool-output-size",
            "An output size that the unpool cannot give",
            (
                r"invalid output_size \"\(?(?P<got>[^\"]*?),?\)?\" \(dim (?P<axis>\d+) must be "
                r"between (?P<low>-?\d+) and (?P<high>-?\d+)\)",
                r"output_size should be a sequence containing (?P<need>\d+) or (?P<full>\d+) "
                r"elements, but it has a length of '(?P<n>\d+)'",
            ),
            f"{_START}output_size = (12, 12)\nlayer(x, indices, output_size=output_size)",
            (
                (
                    "From {input} the output along axis {axis} lies between {low} and {high}, "
                    "both left out; ({got}) was asked for.",
                    "output_size has {n} numbers; {kind} takes {need}, one per spatial axis, or "
                    "the whole shape of {full}.",
                ),
            ),
            (settings.usual_size,),
        ),
        Entry(
            "unpool-empty-output",
            "An unpool whose output has no size",
            (r"max_unpooling: output_size must contain non-negative spatial dimensions",),
            "layer = nn.MaxUnpool2d(1, padding=1)\n"
            "x, indices = torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1, dtype=torch.int64)\n"
            "layer(x, indices)",
            (
                "(size − 1)·stride − 2·padding + kernel_size is below 1 for {input}: a padding of "
                "{padding} takes off more than there is.",
            ),
            (change("Use no padding, as in the pool.", padding=0),),
            lambda failure: (
                of_kind("unpool")(failure)
                and min(setting(failure, "stride", 1)) > 0
                and min(setting(failure, "kernel_size", 1)) > 0
            ),
        ),
    ),
)
