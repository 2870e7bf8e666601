"""Running a model on shapes and telling what happened."""

from convdocs.tracing.failure import TraceError
from convdocs.tracing.run import trace, trace_values

__all__ = ["TraceError", "trace", "trace_values"]
