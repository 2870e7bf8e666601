"""What is raised when the model does not run."""

from __future__ import annotations

from typing import Any

from convdocs.report import Call, Trace


class TraceError(RuntimeError):
    """The model raised; chained to its own exception.

    Its message shows the table up to the layer that failed, names that layer and gives its
    inputs.

    Parameters
    ----------
    message : str
    trace : Trace
        The calls that went well.
    call : Call
        The one that failed; it has no outputs.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        What is wrong and how to mend it, where somebody found out.

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

    def __init__(self, message: str, trace: Trace, call: Call) -> None:
        super().__init__(message)
        self.trace = trace
        self.call = call
        self.diagnosis: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.trace, self.call), {"diagnosis": self.diagnosis}
