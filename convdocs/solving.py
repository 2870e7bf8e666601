"""Which windows take one size to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from convdocs.geometry import Window

NEARBY = 16  # how far from the wanted size to look for one that can be had


class NoWindowError(ValueError):
    """No window takes one size to the other; the message says why, and what comes nearest."""


def solve(
    input_size: int,
    output_size: int,
    *,
    kernel: int | Iterable[int] | None = None,
    stride: int | Iterable[int] | None = None,
    padding: int | Iterable[int] | None = None,
    dilation: int | Iterable[int] | None = None,
    transposed: bool = False,
    limit: int = 10,
) -> tuple[Window, ...]:
    """Windows that take ``input_size`` cells to ``output_size``, smallest first.

    Windows that pass over the input without a gap, to its last cell, come before the others; the
    order among them is by dilation, kernel, stride, padding. What no keyword asks for stays
    within bounds: the kernel spans at most the input, the stride is at most the input, the
    padding is less than the span; and where the output is one cell, so that the stride plays no
    part, the smallest is taken. A transposed window is found as the window of the way back: for
    it, read output for input.

    Parameters
    ----------
    input_size, output_size : int
        Cells along one axis.
    kernel, stride, padding, dilation : int or iterable of int, optional
        The values to choose from.
    transposed : bool
        Windows of a transposed convolution.
    limit : int
        Stop after this many.

    Raises
    ------
    NoWindowError
        When there is none.

    Examples
    --------
    >>> for window in solve(224, 56, limit=3):
    ...     print(window.arguments)
    kernel_size=4, stride=4
    kernel_size=5, stride=4, padding=1
    kernel_size=6, stride=4, padding=1
    >>> [window.arguments for window in solve(4, 8, kernel=3, transposed=True, limit=1)]
    ['kernel_size=3, stride=2, padding=1, output_padding=1']
    >>> solve(7, 6, kernel=3, padding=(0, 1))
    Traceback (most recent call last):
    convdocs.solving.NoWindowError: no window with kernel=3 and padding=0 or 1 takes 7 cells to 6...
    """
    if input_size < 1 or output_size < 1:
        raise ValueError(f"a size is at least 1 cell, not {min(input_size, output_size)}")
    if limit < 1:
        raise ValueError(f"limit is at least 1 window, not {limit}")
    choice = _Choice(
        kernel=_values("kernel", kernel, 1),
        stride=_values("stride", stride, 1),
        padding=_values("padding", padding, 0),
        dilation=_values("dilation", dilation, 1),
    )
    windows = tuple(islice(_ordered(choice, input_size, output_size, transposed), limit))
    if not windows:
        raise NoWindowError(_why_none(choice, input_size, output_size, transposed))
    return windows


def _values(name: str, given: int | Iterable[int] | None, least: int) -> tuple[int, ...] | None:
    if given is None:
        return None
    values = (given,) if isinstance(given, int) else tuple(sorted(set(given)))
    if not values or values[0] < least:
        raise ValueError(f"{name} is at least {least}, not {given}")
    return values


@dataclass(frozen=True, slots=True)
class _Choice:
    """The values to choose from; None where no keyword gives any."""

    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    padding: tuple[int, ...] | None
    dilation: tuple[int, ...] | None

    def __str__(self) -> str:
        asked = [(name, getattr(self, name)) for name in self.__slots__]
        words = [f"{name}={_either(values)}" for name, values in asked if values]
        return f" with {' and '.join(words)}" if words else ""

    def search(self, size: int, cells: int, *, gaps: bool) -> Iterator[Window]:
        """Windows that take ``size`` to ``cells``, by dilation, kernel, stride, padding."""
        for dilation, kernel in self._kernels(size):
            span = dilation * (kernel - 1) + 1
            for stride, padding, left in self._places(size, cells, span):
                apart = cells > 1 and stride > span
                if gaps == (apart or left > padding):
                    yield Window(kernel, stride, (padding, padding), dilation)

    def _places(self, size: int, cells: int, span: int) -> Iterator[tuple[int, int, int]]:
        """Stride, padding and how many cells the last window leaves, padding included.

        For one window the stride plays no part, so the smallest is taken that leads past the rest.
        """
        for stride in self._strides(size, cells, span) if cells > 1 else [self._longest(size)]:
            beyond = (cells - 1) * stride + span - size  # what padding has to make up for
            for padding in self._paddings(beyond, stride, span):
                left = 2 * padding - beyond
                if cells == 1:
                    stride = next((wide for wide in self.stride or () if wide > left), left + 1)
                yield stride, padding, left

    def _longest(self, size: int) -> int:
        return self.stride[-1] if self.stride else size

    def bounds(self, size: int) -> str:
        """Between which sizes the windows lead from ``size``."""
        spans = [dilation * (kernel - 1) + 1 for dilation, kernel in self._kernels(size)]
        least, most = (self.padding[0], self.padding[-1]) if self.padding else (0, None)
        wide = [size + 2 * (span - 1 if most is None else most) - span for span in spans]
        if max(wide) < 0:
            padded = size + 2 * (most or 0)
            return f"the kernel spans {min(spans)} cells, and the input with its padding {padded}"
        narrow = min(max(size + 2 * least - span, 0) for span in spans)
        smallest = narrow // self._longest(size) + 1
        largest = max(wide) // (self.stride[0] if self.stride else 1) + 1
        return f"what it gives is between {smallest} and {largest}"

    def _kernels(self, size: int) -> Iterator[tuple[int, int]]:
        for dilation in self.dilation or range(1, max(size, 2)):
            for kernel in self.kernel or range(1, (size - 1) // dilation + 2):
                needless = kernel == 1 or dilation * (kernel - 1) + 1 > size
                if self.dilation or dilation == 1 or not needless:
                    yield dilation, kernel

    def _strides(self, size: int, cells: int, span: int) -> Sequence[int]:
        if self.stride:
            return self.stride
        padding = self.padding[-1] if self.padding else span - 1
        return range(1, min(size, (size + 2 * padding - span) // (cells - 1)) + 1)

    def _paddings(self, beyond: int, stride: int, span: int) -> Iterable[int]:
        """Those that make up for ``beyond`` and leave less than a stride."""
        least, most = -(-beyond // 2), (beyond + stride - 1) // 2
        if self.padding:
            return [padding for padding in self.padding if least <= padding <= most]
        return range(max(least, 0), min(most, span - 1) + 1)


def _either(values: Sequence[int]) -> str:
    if len(values) > 3 and values == tuple(range(values[0], values[-1] + 1)):
        return f"{values[0]} to {values[-1]}"
    return " or ".join(map(str, values))


def _ordered(choice: _Choice, start: int, end: int, transposed: bool) -> Iterator[Window]:
    size, cells = (end, start) if transposed else (start, end)
    for gaps in (False, True):
        for window in choice.search(size, cells, gaps=gaps):
            if transposed:  # the way back, from cells to size
                window = window._replace(transposed=True)
                window = window._replace(output_padding=size - window.output_size(cells))
            yield window


def _why_none(choice: _Choice, start: int, end: int, transposed: bool) -> str:
    def some(end: int, transposed: bool) -> Window | None:
        return next(_ordered(choice, start, end, transposed), None)

    sides = range(end - 1, max(end - NEARBY, 1) - 1, -1), range(end + 1, end + NEARBY + 1)
    solvable = ((size for size in side if some(size, transposed)) for side in sides)
    near = [str(size) for sizes in solvable for size in islice(sizes, 1)]
    what = "transposed window" if transposed else "window"
    text = f"no {what}{choice} takes {start} cells to {end}"
    if near:
        text += f"; the nearest {'size is' if len(near) == 1 else 'sizes are'} {' and '.join(near)}"
    else:
        bounds = "" if transposed else f"; {choice.bounds(start)}"
        text += f", or to any size within {NEARBY} of it{bounds}"
    other = some(end, not transposed)
    if other is not None:
        kind = "a window that is not transposed" if transposed else "a transposed one"
        text += f"; {kind} does: {other.arguments}"
    return text
