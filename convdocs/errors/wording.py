"""Words and numbers that several entries share."""

from __future__ import annotations

from convdocs.errors.failure import Failure, Shape
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.layers import AXIS_NAMES


def axes(dims: int, *, batched: bool = True) -> str:
    """The axes' names of an input.

    Examples
    --------
    >>> axes(1), axes(2, batched=False)
    ('(N, C, L)', '(C, H, W)')
    """
    names = ("C", *AXIS_NAMES.get(dims, ("…",)))
    return f"({', '.join(('N', *names) if batched else names)})"


def both(dims: int) -> str:
    """The two inputs a layer takes, by name."""
    return f"{axes(dims, batched=False)} for one sample or {axes(dims)} for a batch"


def the_input(failure: Failure) -> str:
    """The input with its shape.

    Examples
    --------
    >>> the_input(Failure(""))
    'the input'
    """
    return f"the input {failure.shape}" if failure.tensors else "the input"


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def spatial(failure: Failure) -> Shape:
    """The input's sizes along the axes that the window moves over."""
    return failure.shape[-failure.dims :] if failure.dims else ()


def setting(failure: Failure, name: str, default: int = 0) -> tuple[int, ...]:
    """A layer's setting as one int per axis, also where torch refuses how many there are.

    Examples
    --------
    >>> from torch import nn
    >>> from convdocs.errors.failure import settings
    >>> pool = nn.MaxPool2d(2)
    >>> setting(Failure("", layer=pool, settings=settings(pool)), "kernel_size")
    (2, 2)
    """
    dims = max(failure.dims, 1)
    value = failure.settings.get(name, default)
    parts = tuple(value) if isinstance(value, tuple | list) else (value,)
    numbers = tuple(part for part in parts if isinstance(part, int)) or (default,)
    return (numbers * dims)[:dims]


def typed(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """Equal numbers as one, others as a tuple.

    Examples
    --------
    >>> typed((3, 3)), typed((3, 1))
    (3, (3, 1))
    """
    return values[0] if len(set(values)) == 1 else values


def moved_axis(failure: Failure, axis: int, place: int) -> Repair:
    """Move one axis of the input to another place, the others in order."""
    order = [one for one in range(len(failure.shape)) if one != axis]
    order.insert(place, axis)
    moved = tuple(failure.shape[one] for one in order)
    text = f"Move the channels from axis {axis} to axis {place}: {failure.shape} becomes {moved}."
    return given(text, f"x.permute({', '.join(map(str, order))})")


def other_dims(failure: Failure, rank_for: dict[int, int]) -> Repair | None:
    """The same layer over as many axes as the input has.

    ``rank_for`` maps the input's rank to the layer's number of spatial axes.
    """
    dims = rank_for.get(len(failure.shape))
    if not dims or not failure.dims or dims == failure.dims:
        return None
    kind = f"{failure.kind[:-2]}{dims}d"
    plain = {
        name: _one(value) if name not in ("in_channels", "out_channels") else value
        for name, value in failure.settings.items()
    }
    text = f"Use the layer over {dims} spatial ax{'is' if dims == 1 else 'es'}, {kind}."
    return rebuilt(failure, text, kind, **plain)


def _one(value: object) -> object:
    """A setting of equal numbers as one number, which a layer of other rank takes too."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
