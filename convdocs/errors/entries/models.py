"""Indices, weights that are loaded, and a model's own checks."""

from convdocs.errors.entry import Entry, Family
from convdocs.errors.meaning import own_numbers
from convdocs.errors.strategies import axes, loading, targets, upstream

FAMILY = Family(
    "models",
    "Indices, saved weights and a model's own checks",
    "An index, a saved weight or a model's own check",
    "Not all errors are torch's: a model may check its input itself, and its words are shown as "
    "they are. Weights are loaded by name and shape.",
    (
        Entry(
            "index-range",
            "An index past the end of an axis",
            (
                r"index (?P<index>-?\d+) is out of bounds for dimension (?P<axis>\d+) with size "
                r"(?P<rows>\d+)",
            ),
            "x = torch.zeros(4, 10)\nx[:, 10]",
            ("Axis {axis} has {rows} cells, {valid}; index {index} is none of them.",),
            (targets.counted_from_one, upstream.last_index),
        ),
        Entry(
            "index-rank",
            "An index with another number of axes than the values",
            (r"Index tensor must have the same number of dimensions as input tensor",),
            "x = torch.zeros(4, 6)\nindex = torch.zeros(4, dtype=torch.int64)\n"
            "y = x.gather(1, index)",
            ("Here are {operands}; gather() takes an index with as many axes as the values.",),
            (axes.index_axis,),
        ),
        Entry(
            "saved-shapes",
            "Saved weights of another shape",
            (r"(?s)size mismatch for (?P<path>[\w.]+): copying a param with shape",),
            "model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 3))\n"
            "state = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 10)).state_dict()\n"
            "model.load_state_dict(state)",
            ("{mismatched}.",),
            (loading.built_as_saved, loading.without_them),
        ),
        Entry(
            "saved-names",
            "Saved weights with other names",
            (r"(?s)(?:Missing|Unexpected) key\(s\) in state_dict",),
            "model = nn.Sequential(nn.Linear(8, 4))\n"
            'state = {f"module.{k}": v for k, v in model.state_dict().items()}\n'
            "model.load_state_dict(state)",
            (
                (
                    "All names in the file begin with '{prefix}', and none in the model.",
                    "Some names are in the model or in the file only: 1 of them is enough.",
                ),
            ),
            (loading.without_prefix,),
        ),
        Entry(
            "own-check",
            "A model's own check of its input",
            (r".",),
            "class Patches(nn.Module):\n    def forward(self, x):\n"
            "        if x.shape[1] != 3:\n"
            '            raise ValueError(f"expected 3 channels but got {x.shape[1]}")\n'
            "        return x\n\nmodel = Patches()\nx = torch.zeros(1, 4, 8, 8)\nmodel(x)",
            (
                "{owner} checked its input itself and refused it: the input is {shape}, and "
                "{own_wish}.",
            ),
            (upstream.own_input,),
            lambda failure: failure.own and own_numbers(failure) is not None,
        ),
    ),
)
