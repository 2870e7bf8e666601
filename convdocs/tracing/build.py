"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from convdocs.layers import layer_class
from convdocs.report import Trace
from convdocs.tracing.memory import Parameter
from convdocs.tracing.record import Recorder, total
from convdocs.tracing.standin import StandIn

MOST_NAMES = 5


def build(
    standin: StandIn, recorder: Recorder, inputs: Sequence[Tensor], outputs: Sequence[Tensor] = ()
) -> Trace:
    """The trace of one run, complete or up to the call that failed."""
    parameters = standin.parameters.values()
    made = [recorder.mark_of(one) for one in outputs]
    calls, modules = recorder.finished()
    failed = recorder.failed
    remarks = [] if failed or recorder.transformed else _remarks(standin, recorder.first_use)
    return Trace(
        model=layer_class(standin.model).__name__,
        calls=calls,
        params=sum([one.count for one in parameters]),
        trainable_params=sum([one.count for one in parameters if one.trainable]),
        macs=total([call.macs for call in calls]),
        input_shapes=tuple([recorder.mark_of(one).layout.shape for one in inputs]),
        output_shapes=tuple([one.layout.shape for one in made]),
        parameter_bytes=standin.buffer_bytes
        + sum([one.layout.nbytes for one in parameters if one.layout]),
        activation_bytes=sum([o.nbytes for node in recorder.nodes for o in node.answer.outputs]),
        executed="values" if recorder.values else "shapes",
        notes=(*recorder.notes, *remarks),
        modules=modules,
        output_sources=tuple([one.maker.index for one in made]),
        failed=recorder.failed_call(),
    )


def _remarks(standin: StandIn, used: dict[Parameter, int]) -> list[str]:
    """Why the calls' parameters do not add up to the model's."""
    found = []
    unused = [p for p in standin.parameters.values() if p not in used and p.count]
    if unused:
        names = ", ".join(p.path for p in unused[:MOST_NAMES])
        more = f" and {len(unused) - MOST_NAMES} more" if len(unused) > MOST_NAMES else ""
        count = sum(p.count for p in unused)
        found.append(f"{count:,} parameters were used by no call: {names}{more}")
    outside = [p for p in used if not p.registered and p.count]
    if outside:
        names = ", ".join([p.path for p in outside if p.path][:MOST_NAMES])
        count = sum(p.count for p in outside)
        words = f"{count:,} parameters are not the model's own, nor in its total"
        found.append(f"{words}: {names}" if names else words)
    return found
