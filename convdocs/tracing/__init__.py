"""Running a model on shapes and telling what happened."""

from convdocs.tracing.failure import TraceError
from convdocs.tracing.run import observed, trace, trace_values
from convdocs.tracing.standin import original

__all__ = ["TraceError", "observed", "original", "trace", "trace_values"]
