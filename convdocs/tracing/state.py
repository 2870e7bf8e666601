"""What is known of one tensor: what each axis means and which input cells it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from convdocs.receptive import IDENTITY, UNKNOWN, AxisField
from convdocs.report import Shape

Field = AxisField | None  # None: depends on no input at all
SPATIAL_NAMES = frozenset("DHWL")


class State:
    """Axis names ("" where not known) and, per axis, the input cells it depends on.

    ``extents`` has the size of the model input's axis that each field counts cells of.
    """

    __slots__ = ("extents", "fields", "names")

    def __init__(
        self, names: tuple[str, ...], fields: tuple[Field, ...], extents: tuple[int, ...]
    ) -> None:
        self.names = names
        self.fields = fields
        self.extents = extents

    @property
    def axes(self) -> str:
        """The names in one string, empty unless all are known."""
        return _joined_names(self.names)

    @property
    def receptive_field(self) -> tuple[AxisField, ...]:
        """The fields of the spatial axes."""
        fields = self.fields
        return tuple([fields[place] or UNKNOWN for place in _spatial_places(self.names)])

    def axis(self, place: int) -> tuple[str, Field, int]:
        """Name, field and extent of one axis."""
        return self.names[place], self.fields[place], self.extents[place]


@lru_cache(maxsize=1024)
def _joined_names(names: tuple[str, ...]) -> str:
    return " ".join(names) if all(names) else ""


@lru_cache(maxsize=1024)
def _spatial_places(names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(names) if name in SPATIAL_NAMES)


Axis = tuple[str, Field, int]
NAMELESS: Axis = ("", UNKNOWN, 0)


def made_of(axes: Sequence[Axis]) -> State:
    """A state from its axes."""
    names, fields, extents = zip(*axes, strict=True) if axes else ((), (), ())
    return State(names, fields, extents)


@lru_cache(maxsize=1024)
def fresh(shape: Shape) -> State:
    """The state of an input of the model: every cell depends on itself."""
    rank = len(shape)
    return State(("",) * rank, (IDENTITY,) * rank, shape)


@lru_cache(maxsize=1024)
def constant(shape: Shape) -> State:
    """The state of a parameter or a constant: it depends on no input."""
    rank = len(shape)
    return State(("",) * rank, (None,) * rank, (0,) * rank)
