"""What a rule sees: the calls of a trace and who reads whom; and how a finding is made."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from convdocs.report import MODEL_INPUT, Call, Finding, Trace

POOLS = ("max", "average", "lp")  # families of calls


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
        seen, waiting = {call.index}, [call]
        for earlier in waiting:
            for reader in self.readers[earlier.index]:
                if any(not s or (s[0] == self.batch and s != (1,)) for s in reader.output_shapes):
                    return True
                if reader.index not in seen:
                    seen.add(reader.index)
                    waiting.append(reader)
        return False


def finding(code: str, call: Call, sentence: str, fix: str) -> Finding:
    return Finding(code, call.path, call.index, sentence, fix)
