"""What a rule sees beside its call: who reads whom, and how little a path has seen."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Trace

POOLS = ("max", "average", "lp")  # families of calls
NORMS = ("batch norm", "instance norm", "group norm", "layer norm", "rms norm")
Fields = tuple[AxisField, ...]


class Graph:
    """The calls of a trace, with who reads whom."""

    def __init__(self, trace: Trace) -> None:
        self.calls = trace.calls
        self.inputs = trace.input_shapes
        self.returned = trace.output_sources
        # samples of the model's input; 0 where it has no axis for them
        self.batch = self.inputs[0][0] if self.inputs and self.inputs[0] else 0

    @cached_property
    def readers(self) -> dict[int, list[Call]]:
        """The calls that read a source, in order."""
        readers: dict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            for source in dict.fromkeys(call.sources):
                readers[source].append(call)
        return readers

    @cached_property
    def narrow(self) -> list[Fields]:
        """By call, the narrowest field of its cells by any path; empty where that is not known."""
        narrow: list[Fields] = []
        for call in self.calls:
            narrow.append(_narrowest(call, narrow) if call.output_shapes else ())
        return narrow

    def source(self, call: Call) -> Call | None:
        """The call that the first input came from."""
        sources = call.sources
        return self.calls[sources[0]] if sources and sources[0] >= 0 else None

    def reads_input(self, call: Call) -> bool:
        """Whether only functions of each element stand between the model's input and this call."""
        while (before := self.source(call)) is not None:
            if before.windows or before.input_shapes[:1] != before.output_shapes:
                return False
            call = before
        return call.sources[:1] == (MODEL_INPUT,)

    def unfolds(self, call: Call) -> bool:
        """Whether a later call keeps the samples apart again, or takes all numbers for one."""
        after = {call.index}
        for reader in self.calls[call.index + 1 :]:
            if not after.isdisjoint(reader.sources):
                after.add(reader.index)
                if any(not s or (s[0] == self.batch and s != (1,)) for s in reader.output_shapes):
                    return True
        return False


def _narrowest(call: Call, narrow: list[Fields]) -> Fields:
    rank, out = len(call.receptive_field), call.output_shapes[0]
    if call.input_shapes == (out,) and not call.windows and call.sources[0] >= 0:
        before = narrow[call.sources[0]]
        return before if len(before) == rank else ()
    paths: list[Fields] = []
    for source, shape, local in zip(
        call.sources, call.input_shapes, call.local_fields, strict=False
    ):
        if source == CONSTANT:
            continue
        before = (IDENTITY,) * rank if source == MODEL_INPUT else narrow[source]
        if shape != out or call.windows:
            if len(before) != len(local):
                return ()
            if any(own is not IDENTITY for own in local):
                before = tuple(map(through, before, local))
        # otherwise: a norm's mean of all cells, or a softmax over them, tells no neighbourhood
        if len(before) != rank:
            return ()
        if not paths or before is not paths[-1]:
            paths.append(before)
    if len(paths) == 1:
        return paths[0]
    return min(paths, key=lambda fields: [field.size or 0 for field in fields], default=())
