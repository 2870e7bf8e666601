"""What a rule sees: the calls of a trace and who reads whom; and how a finding is made."""

from __future__ import annotations

from collections import defaultdict

from convdocs.report import MODEL_INPUT, Call, Finding, Trace

POOLS = ("max", "average", "lp")  # families of calls


class Graph:
    """The calls of a trace, with who reads whom."""

    def __init__(self, trace: Trace) -> None:
        self.calls = trace.calls
        self.inputs = trace.input_shapes
        self.returned = frozenset(trace.output_sources)
        self.readers: dict[int, list[Call]] = defaultdict(list)
        for call in trace.calls:
            for source in set(call.sources):
                self.readers[source].append(call)

    @property
    def batch(self) -> int:
        """Samples of the model's input; 0 where it has no axis for them."""
        return self.inputs[0][0] if self.inputs and self.inputs[0] else 0

    def source(self, call: Call) -> Call | None:
        """The call that the first input came from."""
        if call.sources and call.sources[0] >= 0:
            return self.calls[call.sources[0]]
        return None

    def reads_input(self, call: Call) -> bool:
        """Whether only functions of each element stand between the model's input and this call."""
        while (before := self.source(call)) is not None:
            if before.windows or before.input_shapes[:1] != before.output_shapes:
                return False
            call = before
        return call.sources[:1] == (MODEL_INPUT,)

    def after(self, call: Call) -> set[int]:
        """The indices of the calls that a call's output reaches."""
        reached: set[int] = set()
        waiting = [call]
        while waiting:
            fresh = [r for r in self.readers.get(waiting.pop().index, ()) if r.index not in reached]
            reached.update(reader.index for reader in fresh)
            waiting += fresh
        return reached


def finding(code: str, call: Call, sentence: str, fix: str) -> Finding:
    return Finding(code, call.path, call.index, sentence, fix)
