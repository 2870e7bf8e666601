"""One axis of a sliding-window layer: its sizes, and which inputs an output reads.

Everything here is whole numbers; no torch. A layer over height and width is two Windows,
one per axis, and the axes never touch each other.
"""

from __future__ import annotations

from typing import NamedTuple

AXIS_NAMES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Window(NamedTuple):
    """One axis of a convolution, a transposed convolution or a pool.

    :param kernel: Number of taps.
    :param stride: Cells the window moves per output cell. For a transposed window: output cells
        that one input cell is apart from the next.
    :param padding: Cells added ``(before, after)`` the input. A transposed window crops as many
        cells from its output instead.
    :param dilation: Distance between two neighbouring taps.
    :param output_padding: Cells added after the output of a transposed window.
    :param ceil_mode: Round the output size up instead of down (pools only).
    :param transposed: Of a transposed convolution: every input cell is spread over the output.

    Examples
    --------
    >>> Window(kernel=3, padding=(1, 1)).output_size(5)
    5
    """

    kernel: int
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    dilation: int = 1
    output_padding: int = 0
    ceil_mode: bool = False
    transposed: bool = False

    @property
    def span(self) -> int:
        """Cells from the first tap to the last one, both included.

        Examples
        --------
        >>> Window(kernel=3, dilation=2).span
        5
        """
        return self.dilation * (self.kernel - 1) + 1

    @property
    def arguments(self) -> str:
        """The settings as a layer's constructor takes them, without those at their defaults.

        Examples
        --------
        >>> Window(kernel=3, stride=2, padding=(1, 1)).arguments
        'kernel_size=3, stride=2, padding=1'
        >>> Window(kernel=2, padding=(0, 1)).arguments
        'kernel_size=2, padding=(0, 1)'
        """
        values, defaults = self._asdict(), self._field_defaults
        told = {name: value for name, value in values.items() if value != defaults.get(name)}
        told.pop("transposed", None)
        if "padding" in told and self.padding[0] == self.padding[1]:
            told["padding"] = self.padding[0]
        kernel = told.pop("kernel")
        return ", ".join([f"kernel_size={kernel}", *(f"{name}={told[name]}" for name in told)])

    def output_size(self, size: int) -> int:
        """Output cells for ``size`` input cells; below 1 when the window does not fit.

        The formulas are those in the documentation of ``torch.nn.Conv1d``,
        ``torch.nn.MaxPool1d`` (``ceil_mode``) and ``torch.nn.ConvTranspose1d``.

        Examples
        --------
        >>> Window(kernel=2, stride=2).output_size(5)
        2
        >>> Window(kernel=2, stride=2, ceil_mode=True).output_size(5)
        3
        >>> Window(kernel=3, stride=2, transposed=True).output_size(4)
        9
        """
        before, after = self.padding
        if self.transposed:
            return (size - 1) * self.stride - before - after + self.span + self.output_padding
        room = size + before + after - self.span
        if not self.ceil_mode:
            return room // self.stride + 1
        cells = -(-room // self.stride) + 1
        # a last window that would start in the padding after the input is dropped
        return cells - 1 if (cells - 1) * self.stride >= size + before else cells

    def positions(self, output: int) -> tuple[int | None, ...]:
        """Input position that each tap of output cell ``output`` stands on.

        Positions count from the first real input cell, so those below 0 or past the end lie
        in the padding (see :func:`source`). A tap of a transposed window that falls between
        two spread input cells has none.

        Examples
        --------
        >>> Window(kernel=3, padding=(1, 1)).positions(0)
        (-1, 0, 1)
        >>> Window(kernel=3, stride=2, transposed=True).positions(2)
        (1, None, 0)
        """
        before = self.padding[0]
        if not self.transposed:
            start = output * self.stride - before
            return tuple(start + tap * self.dilation for tap in range(self.kernel))
        spread = (output + before - tap * self.dilation for tap in range(self.kernel))
        return tuple(place // self.stride if place % self.stride == 0 else None for place in spread)

    def formula(self, size: int) -> str:
        """The size formula with the numbers in it.

        Examples
        --------
        >>> Window(kernel=3, stride=2, padding=(1, 1)).formula(5)
        '⌊(5 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 3'
        >>> Window(kernel=3, stride=2, transposed=True).formula(4)
        '(4 − 1)·2 − 0 − 0 + 1·(3 − 1) + 0 + 1 = 9'
        """
        before, after = self.padding
        reach = f"{self.dilation}·({self.kernel} − 1)"
        out = self.output_size(size)
        if self.transposed:
            grown = f"({size} − 1)·{self.stride} − {before} − {after}"
            return f"{grown} + {reach} + {self.output_padding} + 1 = {out}"
        left, right = "⌈⌉" if self.ceil_mode else "⌊⌋"
        room = f"{size} + {before} + {after} − {reach} − 1"
        text = f"{left}({room}) / {self.stride}{right} + 1"
        rounded = -(-(size + before + after - self.span) // self.stride) + 1
        if self.ceil_mode and rounded != out:
            text += " − 1 (the last window would start in the padding)"
        return f"{text} = {out}"


def source(position: int, size: int, padding_mode: str = "zeros") -> int | None:
    """Input cell that stands at ``position``, or None where zero padding stands.

    :param position: One of :meth:`Window.positions`; below 0 or from ``size`` on it is padding.
    :param size: Input cells along the axis.
    :param padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``, as torch
        names them.

    Examples
    --------
    >>> [source(p, 4, "reflect") for p in range(-2, 6)]
    [2, 1, 0, 1, 2, 3, 2, 1]
    >>> [source(p, 4, "circular") for p in range(-2, 6)]
    [2, 3, 0, 1, 2, 3, 0, 1]
    >>> [source(p, 4) for p in (-1, 0, 4)]
    [None, 0, None]
    """
    if 0 <= position < size:
        return position
    match padding_mode:
        case "zeros":
            return None
        case "reflect":
            return -position if position < 0 else 2 * (size - 1) - position
        case "replicate":
            return min(max(position, 0), size - 1)
        case "circular":
            return position % size
    raise ValueError(
        f"padding_mode {padding_mode!r} is not known; use one of {', '.join(PADDING_MODES)}"
    )


def same_padding(kernel: int, dilation: int = 1) -> tuple[int, int]:
    """Cells ``padding='same'`` adds before and after; an odd total puts one more after.

    Examples
    --------
    >>> same_padding(3), same_padding(4)
    ((1, 1), (1, 2))
    """
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2
