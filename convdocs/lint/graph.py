"""What a rule sees: the calls of a trace and who reads whom; and how a finding is made."""

from __future__ import annotations

from collections import defaultdict

from convdocs.report import MODEL_INPUT, Call, Finding, Trace


class Graph:
    """The calls of a trace, with who reads whom."""

    def __init__(self, trace: Trace) -> None:
        self.calls = trace.calls
        self.inputs = trace.input_shapes
        self.readers: dict[int, list[Call]] = defaultdict(list)
        for call in trace.calls:
            for source in call.sources:
                if source >= 0:
                    self.readers[source].append(call)
                elif source == MODEL_INPUT:
                    self.readers[MODEL_INPUT].append(call)

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


def finding(code: str, call: Call, sentence: str, fix: str) -> Finding:
    return Finding(code, call.path, call.index, sentence, fix)
