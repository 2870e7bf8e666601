"""What a recorder writes down while the model runs; turned into Calls when it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.tracing import flow
from convdocs.tracing.rules import Mark

Marks = tuple[Mark, ...]

OUTPUT = 1 << 40  # a source is a node's number + OUTPUT * which of its outputs


class Node:
    """One function call, or one leaf module's call, as it happened.

    ``leaf`` is the leaf module's node that a function call happened in, None outside one.
    """

    __slots__ = (
        "flow", "inputs", "kind", "leaf", "macs", "module", "note", "outputs", "parameters",
        "path", "settings", "text", "windows",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        module: nn.Module | None,
        kind: str,
        inputs: Marks,
        moved: flow.Flow = flow.unknown,
        macs: int | None = 0,
        windows: tuple[Window, ...] = (),
        outputs: Marks = (),
    ) -> None:
        self.path = path
        self.module = module
        self.kind = kind
        self.inputs = inputs
        self.flow = moved
        self.macs = macs
        self.windows = windows
        self.outputs = outputs
        self.leaf: Node | None = None
        self.text = ""
        self.note = ""
        self.parameters: tuple[nn.Parameter, ...] = ()
        self.settings: tuple[tuple[str, object], ...] = ()


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in nested lists, tuples, dicts and dataclasses, in order."""
    found: list[Tensor] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[Tensor]) -> None:
    kind = type(value)
    if kind in _HOLD_NONE:
        return
    if issubclass(kind, Tensor):
        found.append(value)
    elif issubclass(kind, list | tuple):
        for one in value:
            _collect(one, found)
    elif issubclass(kind, dict):
        for one in value.values():
            _collect(one, found)
    elif is_dataclass(kind):
        for field in fields(value):
            _collect(getattr(value, field.name), found)


_HOLD_NONE = frozenset({int, float, bool, str, type(None), torch.dtype, torch.device, torch.Size})


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """The same nested value with ``change`` applied to each tensor."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [mapped(one, change) for one in value]
    if isinstance(value, tuple):
        parts = [mapped(one, change) for one in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, dict):
        return {key: mapped(one, change) for key, one in value.items()}
    return value
