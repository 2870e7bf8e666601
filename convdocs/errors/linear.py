"""Errors where a convolution's output meets a linear layer: flatten, view, in_features."""

from __future__ import annotations

from math import prod

from convdocs.errors.entry import Family, Reading, Said, whole
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import the_input

FAMILY = Family(
    "linear",
    "Flatten and linear layers",
    "A linear layer multiplies the last axis. After convolutions the input is flattened first, and "
    "in_features must be channels x height x width of what arrives there.",
)


@FAMILY.entry(
    "features-mismatch",
    "The linear layer's in_features does not fit",
    [
        r"mat1 and mat2 shapes cannot be multiplied \((?P<a>\d+)x(?P<got>\d+) and "
        r"(?P<need>\d+)x(?P<out>\d+)\)",
        r"a and b must have same reduction dim, but got \[(?P<a>\d+), (?P<got>\d+)\] X "
        r"\[(?P<need>\d+), "
        r"(?P<out>\d+)\]",
        r"size mismatch, got input \((?P<a>\d+)\), mat \((?P<out>\d+)x(?P<need>\d+)\), vec "
        r"\((?P<got>\d+)\)",
        r"Expected size for first two dimensions of batch2 tensor to be: \[\d+, (?P<got>\d+)\] "
        "but got: "
        r"\[\d+, (?P<need>\d+)\]",
        r"inconsistent tensor size, expected tensor \[(?P<got>\d+)\] and src \[(?P<need>\d+)\]",
    ],
    "model = nn.Sequential(\n    nn.Conv2d(3, 6, 5), nn.MaxPool2d(2), nn.Flatten(), "
    "nn.Linear(400, 10)\n)\n"
    "x = torch.zeros(2, 3, 28, 28)\nmodel(x)",
)
def features_mismatch(failure: Failure, said: Said) -> Reading:
    need, got = int(said["need"]), int(said["got"])
    if failure.kind != "Linear":
        return _matrices(failure, need, got)
    shape = failure.shape
    cause = (
        f"The last axis of {the_input(failure)} has {got} values; {failure.name} multiplies {need}."
    )
    source = _flattened(failure, got)
    if source:
        parts = " x ".join(map(str, source))
        names = "channels x height x width" if len(source) == 3 else "channels x length"
        cause += f" {got} = {parts} ({names} of what was flattened)."
    return cause, [*_reshaped(failure, need, got, shape), *_rebuilt(failure, got)]


def _rebuilt(failure: Failure, got: int) -> list[Repair | None]:
    return [rebuilt(failure, f"Build the layer for {got} values.", in_features=got)]


def _flattened(failure: Failure, got: int) -> Shape:
    """The shape, without its batch, that a flatten made into the last axis."""
    for call in failure.makers(0):
        shape = call.input_shapes[0] if call.input_shapes else ()
        if len(shape) > 2 and prod(shape[1:]) == got:
            return shape[1:]
        if call.output_shapes[0] != shape:  # only what leaves the values in place may lie between
            return ()
    return ()


def _reshaped(failure: Failure, need: int, got: int, shape: Shape) -> list[Repair | None]:
    """What else may be wrong: no flatten, a flatten that took the batch in, features elsewhere."""
    repairs: list[Repair | None] = []
    if len(shape) > 2 and prod(shape[1:]) == need:
        text = f"Flatten first: {' x '.join(map(str, shape[1:]))} = {need}."
        repairs.append(given(text, "x.flatten(1)"))
    elif len(shape) > 1 and prod(shape) == need:
        repairs.append(given(f"Flatten the whole input to {need} values.", "x.flatten()"))
    elif need and len(shape) == 1 and got % need == 0:
        text = f"The flatten took the batch in: {got} = {got // need} x {need}. Keep the batch."
        repairs.append(given(text, f"x.reshape({got // need}, {need})"))
    if need in shape[1:-1]:
        axis = shape.index(need, 1)
        text = f"Move the axis of size {need} to the end."
        repairs.append(given(text, f"x.movedim({axis}, -1)"))
    return repairs


def _matrices(failure: Failure, need: int, got: int) -> Reading:
    cause = (
        f"A product of matrices takes as many columns on the left as rows on the right; here it is "
        f"{got} against {need}."
    )
    if len(failure.shapes) != 2 or not failure.call:
        return cause, []
    left, right = failure.shapes
    repairs: list[Repair | None] = []
    if failure.function == "linear":
        return cause, []
    if len(right) > 1 and right[-1] == left[-1]:
        text = f"Turn the right one around: {right} becomes {(*right[:-2], right[-1], right[-2])}."
        repairs.append(given(text, "b.transpose(-2, -1)", "b"))
    if len(left) > 1 and left[-2] == right[-2 if len(right) > 1 else 0]:
        repairs.append(given("Turn the left one around.", "a.transpose(-2, -1)", "a"))
    return cause, repairs


@FAMILY.entry(
    "linear-scalar",
    "A number without axes where a vector is expected",
    [
        r"both arguments to (?P<op>\w+) need to be at least 1D, but they are (?P<a>\d)D and "
        r"(?P<b>\d)D"
    ],
    "layer = nn.Linear(1, 2)\nx = torch.tensor(3.0)\nlayer(x)",
)
def linear_scalar(failure: Failure, said: Said) -> Reading:
    cause = (
        f"{the_input(failure)[4:].capitalize() if failure.tensors else 'An input'} has no axes; "
        f"{failure.name or said['op']} multiplies the last one."
    )
    need = failure.settings.get("in_features")
    repairs: list[Repair | None] = []
    if need is not None:
        text = f"Give it an axis of {need}."
        repairs.append(given(text, "x[None]" if need == 1 else f"x.expand({need})"))
        repairs.append(None)
    return cause.replace("Input ()", "The input ()"), repairs


@FAMILY.entry(
    "no-such-axis",
    "An axis that the tensor does not have",
    [
        r"Dimension out of range \(expected to be in range of \[(?P<low>-?\d+), "
        r"(?P<high>-?\d+)\], but got "
        r"(?P<got>-?\d+)\)",
        r"Dimension specified as (?P<got>-?\d+) but tensor has no dimensions",
        r"flatten\(\) has invalid args: start_dim cannot come after end_dim",
    ],
    "layer = nn.Flatten(start_dim=2)\nx = torch.zeros(4, 5)\nlayer(x)",
)
def no_such_axis(failure: Failure, said: Said) -> Reading:
    rank = len(failure.shape)
    last = f"0 to {rank - 1}, or {-rank} to −1 from the end" if rank else "none at all"
    asked = f"axis {said['got']}" if said.get("got") else "an end before its start"
    op = failure.name or "the call"
    cause = f"{op} names {asked}; the axes of {the_input(failure)} are {last}."
    if not failure.tensors:
        return cause.replace("the axes of the input are none at all", "the tensor has fewer"), []
    repairs: list[Repair | None] = []
    got = int(said.get("got") or 0)
    if failure.kind in ("Flatten", "flatten"):
        repairs.append(
            rebuilt(
                failure,
                "Flatten all but the batch.",
                start_dim=min(1, max(rank - 1, 0)),
                end_dim=-1,
            )
        )
        if failure.function:
            repairs.append(
                Repair("Flatten the last axes.", (("y", f"x.flatten({max(rank - 1, 0)})"),))
            )
    elif got >= 0 and len(failure.tensors) == 1:
        nones = "None, " * (got + 1 - rank)
        repairs.append(given("Give the tensor the missing axes in front.", f"x[{nones}...]"))
    elif len(failure.tensors) > 1 and failure.function in ("cat", "concat", "stack"):
        listed = ", ".join("abcdefghij"[: len(failure.tensors)])
        new = 1 if failure.function == "stack" else 0
        text = f"Use the last axis, {rank - 1 + new}."
        repairs.append(
            Repair(text, (("y", f"torch.{failure.function}([{listed}], {rank - 1 + new})"),))
        )
    return cause, repairs


@FAMILY.entry(
    "view-size",
    "A new shape with another number of values",
    [
        r"shape '\[(?P<shape>[^\]]*)\]' is invalid for input of size (?P<size>\d+)",
        r"invalid shape dimension (?P<bad>-?\d+)(?: at index \d+ of shape \[(?P<shape>[^\]]*)\])?",
        r"only one dimension can be inferred",
        r"cannot reshape tensor of 0 elements into shape \[(?P<shape>[^\]]*)\]",
    ],
    "x = torch.zeros(4, 16, 4, 4)\nx.view(4, 400)",
    when=lambda failure: failure.layer is None,
)
def view_size(failure: Failure, said: Said) -> Reading:
    asked = whole(said.get("shape", ""))
    size = int(said.get("size") or (prod(failure.shape) if failure.tensors else 0))
    rows = failure.shape[0] if failure.tensors and failure.shape else 0
    fixed = prod(n for n in asked if n >= 0)
    cause = f"{the_input(failure)[0].upper()}{the_input(failure)[1:]} has {size} values; "
    if said.get("bad") or any(n < -1 for n in asked):
        cause += f"a size of {said.get('bad') or min(asked)} is none (only −1, 'what is left', is)."
    elif -1 in asked:
        cause += f"({', '.join(map(str, asked))}) needs a multiple of {fixed}."
    elif asked:
        cause += f"({', '.join(map(str, asked))}) has {fixed}."
    else:
        cause += "only one size may be left open with −1."
    repairs: list[Repair | None] = []
    if failure.tensors and rows and failure.function in ("view", "reshape"):
        rest = size // rows
        parts = " x ".join(map(str, failure.shape[1:])) or "1"
        text = f"Keep the batch of {rows} and flatten the rest: {parts} = {rest}."
        repairs.append(Repair(text, (("y", f"x.{failure.function}({rows}, -1)"),)))
    if failure.tensors and failure.function in ("view", "reshape"):
        repairs.append(Repair("Or flatten everything.", (("y", "x.reshape(-1)"),)))
    return cause, repairs


@FAMILY.entry(
    "view-not-contiguous",
    "view() on a tensor whose values lie in another order",
    [r"view size is not compatible with input tensor's size and stride"],
    "x = torch.zeros(2, 3, 4, 5).permute(0, 2, 3, 1)\nx.view(2, -1)",
)
def view_not_contiguous(failure: Failure, said: Said) -> Reading:
    tensor = failure.tensors[0] if failure.tensors else None
    strides = f" Its strides are {tuple(tensor.stride())}." if tensor is not None else ""
    cause = (
        f"{the_input(failure)[0].upper()}{the_input(failure)[1:]} was permuted, transposed or "
        "sliced, so "
        f"its values do not lie in the order of its axes; view() never copies.{strides}"
    )
    asked = [a for a in failure.args[1:] if not hasattr(a, "shape")]
    sizes = ", ".join(str(one) for one in _flat(asked))
    if not sizes or tensor is None:
        return cause, []
    return cause, [
        Repair("Let torch copy where it must: reshape().", (("y", f"x.reshape({sizes})"),)),
        Repair("Or put the values in order first.", (("y", f"x.contiguous().view({sizes})"),)),
    ]


def _flat(values: list[object]) -> list[object]:
    out: list[object] = []
    for one in values:
        out += list(one) if isinstance(one, tuple | list) else [one]
    return out


@FAMILY.entry(
    "unflatten-size",
    "Sizes that do not multiply up to the axis",
    [
        r"unflatten: Provided sizes \[(?P<sizes>[^\]]*)\] don't multiply up to the size of dim "
        r"(?P<axis>-?\d+) "
        r"\((?P<size>\d+)\)",
    ],
    "layer = nn.Unflatten(1, (3, 4))\nx = torch.zeros(2, 10)\nlayer(x)",
)
def unflatten_size(failure: Failure, said: Said) -> Reading:
    sizes, size = whole(said["sizes"]), int(said["size"])
    fixed = [n for n in sizes if n > 0]
    cause = (
        f"Axis {said['axis']} has {size} values; {' x '.join(map(str, sizes))} do not make {size}."
    )
    if not failure.tensors:
        return cause, []
    near = next(n for n in (fixed[0] if fixed else 1, 1) if (n and size % n == 0) or n == 1)
    parts = (near, size // near)
    text = f"{near} x {size // near} = {size}."
    if failure.layer is not None:
        return cause, [rebuilt(failure, text, unflattened_size=parts)]
    return cause, [Repair(text, (("y", f"x.unflatten({said['axis']}, {parts})"),))]


@FAMILY.entry(
    "permute-axes",
    "A permutation of another number of axes",
    [
        r"permute\(sparse_coo\): number of dimensions in the tensor input does not match the "
        "length of the "
        r"desired ordering of dimensions i\.e\. input\.dim\(\) = (?P<rank>\d+) is not equal to "
        r"len\(dims\) = "
        r"(?P<got>\d+)",
        r"duplicate dims are not allowed",
    ],
    "x = torch.zeros(2, 8, 8, 3)\nx.permute(0, 2, 1)",
)
def permute_axes(failure: Failure, said: Said) -> Reading:
    rank = len(failure.shape)
    names = "each axis exactly once"
    cause = f"A permutation names {names}; {the_input(failure)} has {rank} axes" + (
        f", and {said['got']} were named." if said.get("got") else ", and one was named twice."
    )
    if rank < 2:
        return cause, []
    order = (0, rank - 1, *range(1, rank - 1))
    text = "Move the last axis behind the batch, and name every axis."
    return cause, [Repair(text, (("y", f"x.permute{order}"),))]
