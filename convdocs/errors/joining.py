"""Errors of two tensors that meet: concatenation, stacking, sums, skip connections."""

from __future__ import annotations

from convdocs.errors.entry import Family, Reading, Said, counted
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.repair import LETTERS, Repair
from convdocs.layers import AXIS_NAMES

FAMILY = Family(
    "joining",
    "Skip connections: adding and concatenating",
    "Two branches that meet again must agree: cat() in every axis but the joined one, a sum in "
    "every "
    "axis (or with size 1, which is repeated). A floor in a pool or a strided convolution "
    "loses a row, "
    "and an upsampling does not bring it back.",
)


def axis_name(axis: int, rank: int) -> str:
    """Height, width and so on, for a batch with channels.

    Examples
    --------
    >>> axis_name(2, 4), axis_name(1, 2)
    ('H', 'axis 1')
    """
    names = ("N", "C", *AXIS_NAMES.get(rank - 2, ()))
    return names[axis] if 2 < rank == len(names) and axis >= 0 else f"axis {axis}"


@FAMILY.entry(
    "cat-sizes",
    "Concatenated tensors of other sizes",
    [
        r"Sizes of tensors must match except in dimension (?P<dim>-?\d+)\. (?:Expected size "
        r"(?P<want>\d+) but got "
        r"size (?P<got>\d+) for tensor number (?P<which>\d+) in the list|Expected "
        "(?P<want2>.*) in dimension "
        r"(?P<axis>\d+) but got (?P<got2>.*) for tensor number (?P<which2>\d+) in the list)",
    ],
    "a = torch.zeros(1, 8, 56, 57)\nb = torch.zeros(1, 8, 56, 56)\ny = torch.cat([a, b], 1)",
)
def cat_sizes(failure: Failure, said: Said) -> Reading:
    if len(failure.shapes) < 2:
        return (
            f"Concatenating along axis {said['dim']} needs equal sizes in every other axis; tensor "
            f"{said.get('which') or said.get('which2')} has "
            f"{said.get('got') or said.get('got2')} where the "
            f"first has {said.get('want') or said.get('want2')}.",
            [],
        )
    first, dim = failure.shapes[0], _joined(failure)
    which = next(
        (
            i
            for i, shape in enumerate(failure.shapes)
            if any(a != b for k, (a, b) in enumerate(zip(first, shape, strict=False)) if k != dim)
        ),
        0,
    )
    if not which:
        return "The tensors do not have the same number of axes.", []
    cause = f"Along {axis_name(dim, len(first))} the sizes may differ, elsewhere not. "
    return cause + _difference(failure, dim, which), _alike(failure, dim)


def _joined(failure: Failure) -> int:
    dim = failure.kwargs.get("dim", failure.args[1] if len(failure.args) > 1 else 0)
    dim = dim if isinstance(dim, int) else 0
    return dim % max(1, len(failure.shape))


def _difference(failure: Failure, dim: int, which: int) -> str:
    """Which of two tensors is smaller, where, and what changed its size."""
    first, other = failure.shapes[0], failure.shapes[which]
    pairs = enumerate(zip(first, other, strict=False))
    axis = next(i for i, (a, b) in pairs if i != dim and a != b)
    a, b = first[axis], other[axis]
    letter, name = LETTERS[which], axis_name(axis, len(first))
    small, large = ("a", letter) if a < b else (letter, "a")
    less = counted(abs(a - b), "cell")
    text = f"a is {first}, {letter} is {other}: in {name} {small} has {less} less than {large}."
    return text + _ways(failure, axis, (0, which))


def _ways(failure: Failure, axis: int, tensors: tuple[int, ...]) -> str:
    """Where the two sizes along an axis come from, back to the call that both share."""
    makers = [failure.makers(tensor) for tensor in tensors]
    shared = {call.index for call in makers[0]} & {call.index for call in makers[1]}
    text = ""
    for tensor, calls in zip(tensors, makers, strict=True):
        steps, size = [], 0
        for call in reversed([call for call in calls if call.index not in shared]):
            shapes = (*call.input_shapes[:1], *call.output_shapes[:1])
            if len(shapes) < 2 or any(len(shape) <= axis for shape in shapes):
                continue
            before, after = shapes[0][axis], shapes[1][axis]
            if before != after:
                steps.append(f"{call.path or call.kind} makes {after} of {before}")
                size = after
        if size:
            text += f" In {LETTERS[tensor]}, {', then '.join(steps)}."
    return text


def _alike(failure: Failure, dim: int) -> list[Repair | None]:
    """Make the sizes alike: pad the smaller ones, cut the larger ones, or resize them."""
    shapes, rank = failure.shapes, len(failure.shape)
    if any(len(shape) != rank for shape in shapes):
        return []
    others = [axis for axis in range(rank) if axis != dim]
    if any(len({shape[axis] for shape in shapes}) > 1 for axis in others if axis < 2 and rank > 2):
        return _different_heads(failure, dim)
    listed = ", ".join(LETTERS[: len(shapes)])
    end = f"torch.cat([{listed}], {dim})"
    most = [max(shape[axis] for shape in shapes) for axis in range(rank)]
    least = [min(shape[axis] for shape in shapes) for axis in range(rank)]
    padded, cut = [], []
    for letter, shape in zip(LETTERS, shapes, strict=False):
        extra = [most[axis] - shape[axis] if axis != dim else 0 for axis in range(rank)]
        if any(extra):
            amounts = ", ".join(f"0, {n}" for n in reversed(extra[min(2, rank - 1) :]))
            padded.append((letter, f"nn.functional.pad({letter}, ({amounts}))"))
        if any(shape[axis] > least[axis] for axis in others):
            parts = ", ".join(
                ":" if a == dim or shape[a] == least[a] else f":{least[a]}" for a in range(rank)
            )
            cut.append((letter, f"{letter}[{parts}]"))
    return [
        Repair("Pad the smaller one with zeros at its end.", (*padded, ("y", end))),
        Repair("Or cut the larger one.", (*cut, ("y", end))),
    ]


def _different_heads(failure: Failure, dim: int) -> list[Repair | None]:
    """Batch or channels differ: another axis may be the one to join along."""
    shapes = failure.shapes
    rank = len(failure.shape)
    listed = ", ".join(LETTERS[: len(shapes)])
    for axis in range(rank):
        rest = [tuple(n for i, n in enumerate(shape) if i != axis) for shape in shapes]
        if len(set(rest)) == 1:
            text = f"Join along {axis_name(axis, rank)}, the only axis in which they differ."
            return [Repair(text, (("y", f"torch.cat([{listed}], {axis})"),))]
    least = [min(shape[a] for shape in shapes) for a in range(rank)]
    parts = ", ".join(":" if a == dim else f":{least[a]}" for a in range(rank))
    steps = tuple((letter, f"{letter}[{parts}]") for letter in LETTERS[: len(shapes)])
    text = "Cut all to the sizes they share."
    return [Repair(text, (*steps, ("y", f"torch.cat([{listed}], {dim})")))]


@FAMILY.entry(
    "cat-rank",
    "Concatenated tensors with another number of axes",
    [
        r"Tensors must have same number of dimensions: got (?P<a>\d+) and (?P<b>\d+)",
        r"zero-dimensional tensor \(at position (?P<which>\d+)\) cannot be concatenated",
        r"Number of dimensions of tensors must match\.\s+Expected (?P<a>\d+)-D tensors, but got "
        r"(?P<b>\d+)-D",
    ],
    "a = torch.zeros(2, 3, 8)\nb = torch.zeros(2, 3)\ny = torch.cat([a, b], -1)",
)
def cat_rank(failure: Failure, said: Said) -> Reading:
    listed = " and ".join(str(shape) for shape in failure.shapes) or "the tensors"
    cause = f"{listed} do not have the same number of axes, and cat() adds none."
    if failure.shapes and len(failure.shapes[0]) == 0:
        cause = "A number without axes has nothing to be joined along."
    if len(failure.shapes) < 2:
        return cause, []
    letters = LETTERS[: len(failure.shapes)]
    if not any(failure.shapes):
        return cause, [
            Repair("Stack them to a vector.", (("y", f"torch.stack([{', '.join(letters)}])"),))
        ]
    most, dim = max(len(s) for s in failure.shapes), _joined(failure)
    repairs: list[Repair | None] = []
    for place in ("[..., None]", "[None]"):
        steps = [
            (x, f"{x}{place}")
            for x, s in zip(letters, failure.shapes, strict=True)
            if len(s) < most
        ]
        for axis in dict.fromkeys((dim, -1 % most, 0)):
            end = ("y", f"torch.cat([{', '.join(letters)}], {axis})")
            where = "at the end" if place == "[..., None]" else "in front"
            text = f"Give the one with fewer axes another, {where}, and join along axis {axis}."
            repairs.append(Repair(text, (*steps, end)))
    return cause, repairs


@FAMILY.entry(
    "stack-sizes",
    "Stacked tensors of other sizes",
    [r"stack expects each tensor to be equal size, but got \[?(?P<a>.*?)\]? at entry 0"],
    "a = torch.zeros(3, 8)\nb = torch.zeros(3, 7)\ny = torch.stack([a, b])",
)
def stack_sizes(failure: Failure, said: Said) -> Reading:
    listed = ", ".join(str(shape) for shape in failure.shapes)
    cause = f"To be stacked, tensors must have one and the same shape; here they are {listed}."
    if len({len(shape) for shape in failure.shapes}) != 1 or not failure.shape:
        return cause, []
    letters = LETTERS[: len(failure.shapes)]
    least = [min(sizes) for sizes in zip(*failure.shapes, strict=True)]
    parts = ", ".join(f":{n}" for n in least)
    cuts = tuple((one, f"{one}[{parts}]") for one in letters)
    end = ("y", f"torch.stack([{', '.join(letters)}])")
    repairs: list[Repair | None] = [Repair("Cut all to the sizes they share.", (*cuts, end))]
    rest = {tuple(shape[1:]) for shape in failure.shapes}
    if len(rest) == 1:
        text = "Or join them along their first axis, which may differ in size."
        repairs.append(Repair(text, (("y", f"torch.cat([{', '.join(letters)}])"),)))
    return cause, repairs


@FAMILY.entry(
    "broadcast",
    "A sum or product of tensors whose sizes do not fit",
    [
        r"The size of tensor a \((?P<a>\d+)\) must match the size of tensor b \((?P<b>\d+)\) "
        "at non-singleton "
        r"dimension (?P<axis>-?\d+)",
        r"Attempting to broadcast a dimension of length (?P<b>\d+) at (?P<axis>-?\d+)! "
        "Mismatching argument",
        r"The expanded size of the tensor \((?P<b>\d+)\) must match the existing size "
        r"\((?P<a>\d+)\) at non-singleton dimension (?P<axis>\d+)",
    ],
    "a = torch.zeros(1, 8, 28, 28)\nb = torch.zeros(1, 16, 28, 28)\ny = a + b",
)
def broadcast(failure: Failure, said: Said) -> Reading:
    if len(failure.shapes) < 2:
        return (
            "Sizes must be equal or 1 in each axis, counted from the last; in axis "
            f"{said.get('axis')} they "
            f"are {said.get('a') or 'another'} and {said.get('b')}.",
            [],
        )
    a, b = failure.shapes[:2]
    axis, width = _unlike(a, b), max(len(a), len(b))
    left, right = a[len(a) - width + axis], b[len(b) - width + axis]
    cause = (
        f"a is {a}, b is {b}; counted from the last axis, sizes must be equal or 1. In "
        f"{axis_name(axis, width)} they are {left} and {right}."
    )
    if len(a) == len(b) and axis == 1 and width > 2:
        cause += " A skip connection that changes the channels needs a 1x1 convolution."
    cause += _ways(failure, axis, (0, 1)) if len(a) == len(b) else ""
    return cause, _same_sizes(failure, a, b)


def _unlike(a: Shape, b: Shape) -> int:
    width = max(len(a), len(b))
    pairs = zip(reversed(a), reversed(b), strict=False)
    bad = [i for i, (x, y) in enumerate(pairs) if x != y and 1 not in (x, y)]
    return width - 1 - bad[0] if bad else 0


SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "true_divide": "/"}


def sign(failure: Failure) -> str:
    """The operator between a and b, or nothing."""
    return SIGNS.get(failure.function.strip("_").removeprefix("r").removeprefix("i"), "")


def _same_sizes(failure: Failure, a: Shape, b: Shape) -> list[Repair | None]:
    op = sign(failure)
    if not op:
        return []
    repairs: list[Repair | None] = []
    if len(a) == len(b) > 2 and a[1] != b[1] and a[2:] == b[2:]:
        dims = len(a) - 2
        if dims <= 3:
            text = (
                f"Bring a to {b[1]} channels with a convolution of size 1, one of the "
                "model's layers."
            )
            made = f"nn.Conv{dims}d({a[1]}, {b[1]}, 1)(a) {op} b"
            repairs.append(Repair(text, (("y", made),)))
    if len(a) != len(b):
        short = "a" if len(a) < len(b) else "b"
        missing = "None, " * 0 + ", ".join(["None"] * abs(len(a) - len(b)))
        text = f"Give {short} its missing axes at the end."
        repairs.append(Repair(text, ((short, f"{short}[..., {missing}]"), ("y", f"a {op} b"))))
        return repairs
    least = [min(x, y) if 1 not in (x, y) else max(x, y) for x, y in zip(a, b, strict=True)]
    steps = tuple(
        (name, f"{name}[{', '.join(f':{n}' for n in least)}]")
        for name, shape in (("a", a), ("b", b))
        if any(s > n for s, n in zip(shape, least, strict=True))
    )
    text = "Cut the larger one to the smaller one's size."
    repairs.append(Repair(text, (*steps, ("y", f"a {op} b"))))
    return repairs


@FAMILY.entry(
    "matrix-rank",
    "A matrix product of tensors that have too few axes",
    [r"vector and vector|batch1 must be a 3D tensor|self must be a matrix|mat2 must be a matrix"],
    "a = torch.zeros(3)\nb = torch.zeros(3)\ny = torch.mm(a, b)",
)
def matrix_rank(failure: Failure, said: Said) -> Reading:
    listed = " and ".join(str(shape) for shape in failure.shapes)
    cause = f"This product takes matrices of a fixed rank; it got {listed or 'others'}."
    return cause, [Repair("Use the product for any rank.", (("y", "torch.matmul(a, b)"),))]
