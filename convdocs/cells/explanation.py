"""What an explained cell holds: plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from convdocs.geometry import Window
from convdocs.layers import Family
from convdocs.view import explanation as view
from convdocs.view.shown import Shown


@dataclass(frozen=True, slots=True)
class Term:
    """One tap of the window: a weight, the cell it multiplies, and their product.

    Numbers of a complex layer are complex.

    Parameters
    ----------
    channel : int
        Input channel.
    kernel : tuple of int
        Place in the kernel, one number per spatial axis.
    weight : float or None
        None for a pool or an unfold, which have no weights.
    position : tuple of int or None
        Where the tap is along each spatial axis. Below 0 or past the end it is padding; None
        where a transposed window falls between two spread cells.
    index : tuple of int or None
        The input cell the value was read from, all axes; for a copied padding (reflect, ...) the
        cell that was copied. None where there is no such cell; `reason` says why.
    reason : str or None
        ``"padding"``, ``"hole"`` (between the spread cells of a transposed layer) or
        ``"outside"`` (past the padding, where ``ceil_mode`` lets a window reach).
    padded : bool
        Whether the tap is outside the input, on zeros or on a copy.
    value : float
        The number there; 0 in padding, minus infinity in the padding of a max pool.
    product : float
        What the tap adds: weight times value; the value alone in a pool; its power in an LPPool.
    """

    channel: int
    kernel: tuple[int, ...]
    weight: float | None
    position: tuple[int | None, ...]
    index: tuple[int, ...] | None
    reason: str | None
    padded: bool
    value: float
    product: float


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    """How one output cell comes about; ``print`` it, or show it in a notebook.

    Parameters
    ----------
    kind, code : str
        The layer's class, and the call that makes it.
    family : str
        As in :class:`convdocs.layers.Layer`; it says how the products become the value: summed,
        or, in a max pool, the largest.
    at : tuple of int
        The cell, as an index into the output.
    cell : tuple of int
        Its place along the spatial axes. For ``Unfold`` the place of the block.
    terms : tuple of Term
        One per tap and input channel, channel by channel.
    bias : float or None
        The output channel's bias.
    divisor : float or None
        What the sum is divided by (average pools; an LPPool at a border with ``ceil_mode``).
    power : float or None
        ``norm_type`` of an LPPool: the sum's root is taken.
    value : float
        The result, worked out from the terms in double precision.
    layer_value : float
        The layer's own number.
    windows : tuple of Window
        One per spatial axis.
    input_shape, output_shape : tuple of int
        All axes.
    padding_mode : str
        Where padded cells come from.
    """

    kind: str
    code: str
    family: Family
    at: tuple[int, ...]
    cell: tuple[int, ...]
    terms: tuple[Term, ...]
    bias: float | None
    divisor: float | None
    power: float | None
    value: float
    layer_value: float
    windows: tuple[Window, ...]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    padding_mode: str

    def to_text(self, *, width: int | None = None, colour: bool = False) -> str:
        """The sum as one would write it down; its lines are as long as its numbers need."""
        return view.text(self)

    parts = view.parts

    @property
    def window(self) -> tuple[tuple[int | None, ...], ...]:
        """Positions of the taps, one tuple per spatial axis."""
        return tuple(w.positions(o) for w, o in zip(self.windows, self.cell, strict=True))

    @property
    def agrees(self) -> bool:
        """Whether the worked-out value is the layer's own, up to rounding.

        False says that the layer does something besides: a subclass with a forward of its own.

        Examples
        --------
        >>> import torch
        >>> from convdocs import explain
        >>> explain(torch.nn.Conv1d(1, 1, 3), torch.ones(1, 5), (0, 0)).agrees
        True
        """
        both_nan = self.value != self.value and self.layer_value != self.layer_value
        if both_nan or self.value == self.layer_value:
            return True
        mine, own = self.value, self.layer_value
        if self.power is not None and 0 < self.power < inf:  # compare sums, not their roots
            mine, own = mine**self.power, own**self.power
        size = abs(self.bias or 0)
        size += sum(abs(term.product) for term in self.terms if term.index is not None)
        # the coarsest arithmetic in use keeps 8 bits
        return size < inf and abs(mine - own) <= 2**-7 * size
