"""The memory of a training step in parts: what it is for, and which calls save the most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdocs.view.numbers import byte_size, share
from convdocs.view.tables import Column, Paragraph, Part, Table

if TYPE_CHECKING:
    from convdocs.report import Memory

MOST_CALLS = 10
_NOT_COUNTED = (
    "what kernels work in while they run, what the allocator rounds up and keeps, the loss, and "
    "what a GPU's driver takes. Attention and recurrent layers that a device runs in one piece "
    "save less, or more."
)


def parts(memory: Memory) -> list[Part]:
    """The bytes by purpose, the calls that save the most, and what is not counted."""
    sizes = (
        ("parameters", memory.parameters),
        ("buffers", memory.buffers),
        ("gradients", memory.gradients),
        (f"state of {memory.optimizer_name}", memory.optimizer),
        ("saved for the backward pass", memory.saved),
        ("inputs", memory.inputs),
    )
    columns = (Column("what"), Column("memory", "right"), Column("bytes", "right"))
    rows = tuple((name, byte_size(size), f"{size:,}") for name, size in sizes if size)
    total = ("held at once, at least", byte_size(memory.peak), f"{memory.peak:,}")
    caption = f"Memory of a training step of {memory.model} with a batch of {memory.batch}"
    calls = memory.trace.calls if memory.trace else ()
    pairs = sorted(zip(calls, memory.saved_by_call, strict=False), key=lambda pair: -pair[1])
    most = tuple(
        (call.path, call.code, byte_size(size), share(size, memory.saved))
        for call, size in pairs[:MOST_CALLS]
        if size
    )
    heads = (
        Column("path", code=True, least=10),
        Column("layer", code=True, least=12),
        Column("saved", "right"),
        Column("share", "right"),
    )
    return [
        Table(columns, rows, caption, total),
        *([Table(heads, most, "The calls that save the most")] if most else []),
        Paragraph(_NOT_COUNTED, lead="Not counted:"),
    ]
