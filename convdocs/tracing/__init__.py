"""Running a model on shapes and telling what happened."""

from convdocs.tracing.failure import TraceError
from convdocs.tracing.forward import original
from convdocs.tracing.run import observed, trace, trace_values

__all__ = ["TraceError", "observed", "original", "trace", "trace_values"]
