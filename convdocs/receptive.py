"""How windows compose along a network: which input cells one output cell depends on.

Along one axis a layer maps each output cell to a run of input cells. For a convolution the run
moves by the stride; for a layer that enlarges its input (a transposed convolution, an upsampling)
or that divides it unevenly (an adaptive pool) the runs repeat with a period. Both are an
:class:`AxisField`, and a network's field is one AxisField looked up through the next.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, gcd, lcm
from typing import Any, Literal, NamedTuple

from convdocs.geometry import Window

Status = Literal["exact", "upper bound", "unknown"]
Run = tuple[int, int]  # first and last cell

LONGEST_PERIOD = 1024  # beyond it a field is given as an upper bound


class AxisField(NamedTuple):
    """The input cells along one axis that an output cell depends on, away from the border.

    Parameters
    ----------
    size : int or None
        Cells from the first to the last one read, both included; the widest, where cells of
        one output differ. None when unknown.
    stride : int, Fraction or None
        Input cells from one output cell's field to its neighbour's: a half after an upsampling
        by two, 0 when every cell reads the same ones.
    offset : int or None
        Input position where the field of output cell 0 starts; below 0 it starts in padding.
    status : str
        ``"exact"``, ``"upper bound"`` or ``"unknown"``.
    runs : tuple of (first, last) or None
        Where neighbouring cells' fields differ in size or step: the fields of the cells of one
        period, None for a cell that reads nothing. Empty when ``offset + stride * cell`` says all.
    gated : bool
        Besides these cells it depends on all of them through a gate: a factor that is the same
        for every cell, as in a squeeze-and-excitation block.

    Examples
    --------
    >>> AxisField(3, 2, -1).cells(5)
    range(9, 12)
    >>> local_field(Window(kernel=3, stride=2, transposed=True)).cells(2)
    range(0, 2)
    """

    size: int | None
    stride: int | Fraction | None
    offset: int | None
    status: Status = "exact"
    runs: tuple[Run | None, ...] = ()
    gated: bool = False

    def cells(self, cell: int) -> range:
        """Input positions that output cell ``cell`` depends on, from the first to the last.

        Examples
        --------
        >>> AxisField(3, 1, -1).cells(0)
        range(-1, 2)
        """
        if self.size is None or self.stride is None or self.offset is None:
            raise ValueError("the receptive field is unknown along this axis")
        if self.runs:
            run = self._run(cell)
            return range(run[0], run[1] + 1) if run else range(0)
        start = self.offset + floor(self.stride * cell)
        return range(start, start + self.size)

    @property
    def jump(self) -> int:
        """Input cells that one whole period moves.

        Examples
        --------
        >>> AxisField(3, 2, -1).jump
        2
        """
        return int((self.stride or 0) * max(1, len(self.runs)))

    def _run(self, cell: int) -> Run | None:
        if not self.runs:
            seen = self.cells(cell)
            return seen.start, seen.stop - 1
        turns, phase = divmod(cell, len(self.runs))
        run = self.runs[phase]
        return run and (run[0] + turns * self.jump, run[1] + turns * self.jump)

    def _hull(self, first: int, last: int) -> Run | None:
        """The run from the first to the last input cell that output cells first..last read."""
        starts = (run[0] for cell in range(first, last + 1) if (run := self._run(cell)))
        start = next(starts, None)
        if start is None:
            return None
        ends = (run[1] for cell in range(last, first - 1, -1) if (run := self._run(cell)))
        return start, next(ends)


IDENTITY = AxisField(1, 1, 0)
UNKNOWN = AxisField(None, None, None, "unknown")


def gated(field: AxisField) -> AxisField:
    """The same field of a cell that is multiplied by something worked out from all cells."""
    return field if field.gated else field._replace(gated=True)


def whole(size: int, status: Status = "exact") -> AxisField:
    """Every output cell reads all ``size`` input cells: a global pool, a mean, an attention."""
    return AxisField(size, 0, 0, status)


@lru_cache(maxsize=4096)
def local_field(window: Window) -> AxisField:
    """The cells of its own input that each output cell of one layer reads."""
    if not window.transposed:
        return AxisField(window.span, window.stride, -window.padding[0])
    runs = []
    for cell in range(window.stride):
        taps = [place for place in window.positions(cell) if place is not None]
        runs.append((min(taps), max(taps)) if taps else None)
    return periodic(runs, jump=1)


def adaptive_field(size: int, output: int) -> AxisField:
    """An adaptive pool: cell i reads from floor(i n/m) up to, not including, ceil((i+1) n/m)."""
    common = gcd(size, output)
    runs = [
        (cell * size // output, -((cell + 1) * size // -output) - 1)
        for cell in range(min(output // common, LONGEST_PERIOD + 1))
    ]
    return periodic(runs, size // common) if runs else whole(size)


def resized_field(
    size: int, output: int, mode: str, *, scale: Any = None, align_corners: bool = False
) -> AxisField:
    """Resizing: the cells around the place ``i * step + shift`` that cell i is mixed of."""
    step = Fraction(size, output) if scale is None else 1 / Fraction(scale)
    if mode == "area":
        return adaptive_field(size, output)
    if align_corners:
        step = Fraction(size - 1, output - 1) if output > 1 else Fraction(0)
    shift = Fraction(0) if align_corners else step / 2 - Fraction(1, 2)
    reach = 0, 0
    last: Callable[[Fraction], int] = floor
    match mode:
        case "nearest":
            shift = Fraction(0)
        case "nearest-exact":
            shift = step / 2
        case "bicubic":
            reach = -1, 2
        case "linear" | "bilinear" | "trilinear":
            last = ceil  # one cell where the place hits it
        case _:
            return UNKNOWN
    if step.denominator > LONGEST_PERIOD:  # places too many to repeat: a cell more on either side
        width, start = 4 + reach[1] - reach[0], floor(shift) - 1 + reach[0]
        return AxisField(width, step, start, "upper bound")
    places = [cell * step + shift for cell in range(step.denominator)]
    return periodic([(floor(p) + reach[0], last(p) + reach[1]) for p in places], step.numerator)


def periodic(runs: Iterable[Run | None], jump: int) -> AxisField:
    """The field whose cells' runs are ``runs``, and again moved by ``jump``, and so on."""
    told = tuple(runs)
    read = [run for run in told if run]
    stride = Fraction(jump, len(told))
    if not read:
        return AxisField(0, stride, 0)
    if len(told) > LONGEST_PERIOD:
        return _loosened(told, stride)
    size = max(last - first + 1 for first, last in read)
    step: int | Fraction = int(stride) if stride.denominator == 1 else stride
    return AxisField(size, step, read[0][0], "exact", told if len(told) > 1 else ())


def _loosened(runs: tuple[Run | None, ...], stride: Fraction) -> AxisField:
    """A field that contains every one of ``runs`` and moves evenly."""
    moved = [(run, floor(stride * cell)) for cell, run in enumerate(runs) if run]
    offset = min(run[0] - place for run, place in moved) - 1
    size = max(run[1] - place for run, place in moved) - offset + 2
    return AxisField(size, stride, offset, "upper bound")


@lru_cache(maxsize=16384)
def through(field: AxisField, local: AxisField) -> AxisField:
    """The field of a layer's output cells: its ``local`` field looked up through its input's."""
    if local is IDENTITY:
        return field
    if field == IDENTITY:
        return local
    if field.size is None or local.size is None:
        return UNKNOWN
    if field.gated or local.gated:
        return gated(through(field._replace(gated=False), local._replace(gated=False)))
    exact = field.status == local.status == "exact"
    if not field.runs and not local.runs and type(field.stride) is type(local.stride) is int:
        assert field.offset is not None
        assert local.offset is not None
        return AxisField(
            field.size + (local.size - 1) * field.stride,
            field.stride * local.stride,
            field.offset + local.offset * field.stride,
            "exact" if exact else "upper bound",
        )
    if not exact:
        return _bounded(field, local)
    own, theirs = max(1, len(local.runs)), max(1, len(field.runs))
    period = own * theirs // gcd(local.jump, theirs)
    cells = range(min(period, LONGEST_PERIOD + 1))
    runs = [run and field._hull(*run) for run in map(local._run, cells)]
    return periodic(runs, local.jump * (period // own) * field.jump // theirs)


def _bounded(field: AxisField, local: AxisField) -> AxisField:
    """An even field around the composition of two of which one is only a bound."""
    assert field.size is not None and field.stride is not None and field.offset is not None  # noqa: PT018
    assert local.size is not None and local.stride is not None and local.offset is not None  # noqa: PT018
    stride = Fraction(field.stride) * Fraction(local.stride)
    size = field.size + ceil((local.size - 1) * field.stride) + 2 * ceil(field.stride) + 2
    offset = field.offset + floor(local.offset * field.stride) - ceil(field.stride) - 1
    return AxisField(size, stride, offset, "upper bound")


def joined(fields: Iterable[AxisField], size: int) -> AxisField:
    """The field of a cell that reads the same cell of several tensors, as an addition does."""
    parts = tuple(dict.fromkeys(fields))
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(part.size is None for part in parts):
        return UNKNOWN
    if any(part.gated for part in parts):
        return gated(joined([part._replace(gated=False) for part in parts], size))
    if all(part.stride == first.stride for part in parts):
        return _union(parts)
    # one part alone covers the axis where its cells all read the same, and all of it
    even = [part.cells(0) for part in parts if part.stride == 0 and part.status == "exact"]
    covered = any(seen.start <= 0 and seen.stop >= size for seen in even)
    return whole(size, "exact" if covered else "upper bound")


@lru_cache(maxsize=4096)
def _union(parts: tuple[AxisField, ...]) -> AxisField:
    if all(part.status == "exact" for part in parts):
        period = lcm(*(max(1, len(part.runs)) for part in parts))
        runs = []
        for cell in range(min(period, LONGEST_PERIOD + 1)):
            seen = [run for part in parts if (run := part._run(cell))]
            first, last = min((r[0] for r in seen), default=0), max((r[1] for r in seen), default=0)
            runs.append((first, last) if seen else None)
        stride = parts[0].stride
        assert stride is not None
        return periodic(runs, int(stride * period))
    # at least one part is an even bound; the others fit into one
    loose = [_loosened(p.runs, Fraction(p.stride or 0)) if p.runs else p for p in parts]
    offset = min(part.offset or 0 for part in loose)
    end = max((part.offset or 0) + (part.size or 0) for part in loose)
    return AxisField(end - offset, loose[0].stride, offset, "upper bound")
