"""What is raised when a model does not run."""

from __future__ import annotations

from typing import Any

from convdocs.report import Call, Diagnosis, Trace


class TraceError(RuntimeError):
    """The model raised; chained to its own exception.

    Its message shows the table up to the layer that failed, names that layer and gives its
    inputs.

    Parameters
    ----------
    trace : Trace
        The calls that went well, and the one that failed.

    Attributes
    ----------
    call : Call
        The one that failed; it has no outputs.
    diagnosis : Diagnosis or None
        What is wrong and how to mend it, where that is known.

    Examples
    --------
    >>> from torch import nn
    >>> from convdocs.tracing import trace
    >>> try:
    ...     trace(nn.Sequential(nn.ReLU(), nn.Conv1d(10, 16, 3)), (2, 9, 7))
    ... except TraceError as error:
    ...     print(error.call.path, error.call.code, error.__cause__)
    1 Conv1d(10, 16, 3) Given groups=1, weight of size [16, 10, 3], expected input[2, 9, 7] ...
    """

    def __init__(self, trace: Trace) -> None:
        assert trace.failed is not None
        self.trace = trace
        self.call: Call = trace.failed
        self.diagnosis: Diagnosis | None = None
        super().__init__()

    def __str__(self) -> str:
        # the table takes as long as a fifth of a trace, and a diagnosis does not show it
        given = ", ".join(map(str, self.call.input_shapes)) or "no tensor"
        name = f"{self.call.path or self.trace.model}: {self.call.code}"
        return f"{name} failed on input {given}\n\n{self.trace}\n\n{self.trace.error}"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trace,), {"diagnosis": self.diagnosis}
