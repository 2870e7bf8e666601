"""What one exception tells about the call that raised it: the layer, its inputs, its settings.

Nothing is run here and nothing is changed: the facts lie in the exception's traceback.
"""

from __future__ import annotations

import dis
import inspect
import linecache
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor, nn

from convdocs import layers
from convdocs.report import Call, Trace
from convdocs.tracing import TraceError, original
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import SLIDING, spellings

Shape = tuple[int, ...]
Site = tuple[CodeType, int]  # where in the user's code a call stands
_Frames = list[tuple[FrameType, Site | None]]

_NOT_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))
_RAISE = dis.opmap["RAISE_VARARGS"]
# what the operands of a call are called in a fix, by the name of the layer or function
_NAMES = {
    r"(?i)conv(_transpose)?\dd$|^linear$": "x weight bias",
    r"(?i)(cross_?entropy|nll|bce|l1|mse|kl_?div|binary_cross|poisson|huber)": "x target",
    r"(?i)ctc": "log_probs target input_lengths target_lengths",
    r"(?i)cosine_?embedding|ranking": "a b target",
    r"(?i)^bilinear": "a b",
    r"(?i)triplet": "anchor positive negative",
    r"^(RNN|LSTM|GRU)(Cell)?$": "x h c",
    r"^MultiheadAttention$|scaled_dot|multi_head": "q k v mask",
    r"^Transformer": "x target",
    r"^(gather|index_select|take_along_dim|__getitem__|scatter)": "x index",
    r"^Max[uU]npool|unpool": "x indices",
    r"^masked_fill": "x mask",
    r"^grid_sample": "x grid",
    r"^stft": "x window",
}


@dataclass(frozen=True, eq=False)
class Failure:
    """One failing call, with the run of the model that it was in."""

    message: str
    error: str = ""  # the exception's type
    path: str = ""  # the failing layer's name in its model; empty for a layer by itself
    layer: nn.Module | None = None
    function: str = ""  # name of the function that failed outside a layer
    call: Callable[..., Any] | None = None  # that function
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    built: type | None = None  # the layer class whose constructor failed
    settings: dict[str, Any] = field(default_factory=dict)  # arguments, tensors left out
    own: bool = False  # the layer is none of torch's: it refused its input in words of its own
    line: str = ""  # the user's line that refused it, of such a layer
    collated: bool = False  # where a data loader makes a batch of its samples
    site: Site | None = None
    model: nn.Module | None = None
    inputs: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})  # what the model was called with
    trace: Trace | None = None  # the calls that went well before, and the one that failed

    @property
    def on_shapes(self) -> bool:
        """Whether the tensors are stand-ins on meta."""
        return self.trace is not None and self.trace.executed != "values"

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors among the arguments, those in a list included."""
        return tuple(tensors_in((self.args, self.kwargs)))

    @property
    def weights(self) -> list[Tensor]:
        """The layer's parameters and buffers."""
        return [] if self.layer is None else [*self.layer.parameters(), *self.layer.buffers()]

    @property
    def weight_type(self) -> torch.dtype | None:
        """Data type of the layer's weights."""
        numbers = (t.dtype for t in self.weights if t.is_floating_point() or t.is_complex())
        return next(numbers, None)

    @property
    def layer_device(self) -> torch.device | None:
        """The device of the layer's weights."""
        return next((tensor.device for tensor in self.weights), None)

    @property
    def indices(self) -> Tensor | None:
        """The first tensor of whole numbers, where its values are known."""
        whole_numbers = (t for t in self.tensors if not t.is_floating_point() and t.numel())
        first = next(whole_numbers, None)
        return None if first is None or first.is_meta else first

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes of the tensors."""
        return tuple(tuple(tensor.shape) for tensor in self.tensors)

    @property
    def shape(self) -> Shape:
        """Shape of the first input."""
        return self.shapes[0] if self.shapes else ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the call's operands are called in a fix's code."""
        count = len(self.operands)
        matching = (names for kind, names in _NAMES.items() if re.search(kind, self.kind))
        known = next(matching, "x" if self.layer is not None or count == 1 else "").split()
        by_key = [key for key, value in self.kwargs.items() for _ in tensors_in(value)]
        positional = (*known, *"abcdefghij"[len(known) :])[: count - len(by_key)]
        return (*positional, *by_key)

    @cached_property
    def operands(self) -> tuple[Any, ...]:
        """The tensors of the call; the first argument of a layer whatever it is."""
        found: list[Any] = []
        self.with_operands(self.args, self.kwargs, found.append)
        return tuple(found)

    def with_operands(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], change: Callable[[Any], Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of such a call with each operand changed, in order."""
        one = self.layer is not None or "must be Tensor, not" in self.message
        odd = one and args and not isinstance(args[0], Tensor)
        first = (change(args[0]),) if odd else ()
        return (*first, *mapped(args[len(first) :], change)), mapped(kwargs, change)

    @property
    def kind(self) -> str:
        """Name of torch's layer class, also of a subclass of it, or of the function."""
        made = self.built or (type(self.layer) if self.layer is not None else None)
        return (nn_class(made) or made).__name__ if made else self.function

    @property
    def name(self) -> str:
        """The layer as one would type it, or the function's name."""
        return layers.code(self.layer) if self.layer is not None else self.kind

    @property
    def dims(self) -> int:
        """Spatial axes by the name of the layer: 2 for Conv2d; 0 where the name has none."""
        digit = re.search(r"([123])d", self.kind)
        return int(digit[1]) if digit else 2 * (self.kind in ("Fold", "Unfold"))

    def source(self, tensor: int) -> int:
        """Index of the call an input came from, -1 for the model's input, -2 for a constant."""
        failed = self.trace.failed if self.trace else None
        sources = failed.sources if failed else ()
        return sources[tensor] if tensor < len(sources) else -1

    def chain(self, tensor: int = 0) -> list[Call]:
        """The calls that made an operand, from the model's input on, along their first inputs."""
        calls, index = [], self.source(tensor) if self.trace else -1
        while index >= 0 and self.trace is not None:
            calls.append(self.trace.calls[index])
            index = next(iter(calls[-1].sources), -1)
        return calls[::-1]

    def parameter(self, tensor: int) -> str:
        """The path of the model's parameter or buffer that an input is, or a part of."""
        # a trace marks the stand-in of a parameter with the parameter's path
        mark = getattr(self.tensors[tensor], "_convdocs_mark", None)
        known: tuple[Any, ...] = getattr(mark, "parameters", ())
        if len(known) == 1:
            return str(known[0].path)
        roots = [call.sources[:1] for call in self.chain(tensor)[:1]] or [(self.source(tensor),)]
        if self.model is None or roots != [(-2,)]:
            return ""
        buffers = self.model.named_buffers()
        alike = [path for path, value in buffers if value.shape == self.shapes[tensor]]
        return alike[0] if len(alike) == 1 else ""


def is_users(frame: FrameType) -> bool:
    """Whether a frame runs the user's code, neither torch's nor ours."""
    return not frame.f_code.co_filename.startswith(_NOT_USERS)


def _frames(error: BaseException) -> _Frames:
    """The frames of the traceback, outermost first, each with the user's place at or before it."""
    trace, site, found = error.__traceback__, None, []
    while trace is not None:
        if is_users(trace.tb_frame):
            site = (trace.tb_frame.f_code, trace.tb_lasti)
        found.append((trace.tb_frame, site))
        trace = trace.tb_next
    return found


def module_calls(error: BaseException) -> list[dict[str, Any]]:
    """The modules that were running, outermost first: layer, args, kwargs and site of each call."""
    calls = []
    for frame, site in _frames(error):
        local = frame.f_locals
        if frame.f_code.co_name == "_call_impl" and isinstance(local.get("self"), nn.Module):
            given = {"args": tuple(local["args"]), "kwargs": dict(local["kwargs"])}
            # a trace runs a stand-in of the model
            calls.append({"layer": original(local["self"]), "site": site, **given})
    return calls


def nn_class(made: Any) -> Any:
    """The class of torch.nn that a layer's class is or derives from; None where there is none."""
    bases = (base for base in getattr(made, "__mro__", ()) if getattr(nn, base.__name__, 0) is base)
    base = next(bases, None)
    return None if base in (nn.Module, *_CONTAINERS) else base


_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Container)
_REFUSALS = (AssertionError, RuntimeError, TypeError, ValueError)
_NO_SETTINGS = {"self", "device", "dtype"}


def settings(module: nn.Module) -> dict[str, Any]:
    """The arguments that build a module like this one, as it keeps them."""
    if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return layers.constructor_values(module)
    known = {}
    for name, parameter in inspect.signature(type(module).__init__).parameters.items():
        if name not in _NO_SETTINGS and hasattr(module, name):
            value = getattr(module, name)
            if isinstance(parameter.default, bool) and not isinstance(value, bool):
                value = value is not None  # a layer's bias is a tensor where it was asked for
            known[name] = value
    return known


def read(error: BaseException, model: nn.Module | None = None, **run: Any) -> Failure:
    """The failing call behind an exception, and where in a model its layer is."""
    known = {"message": str(error), "error": type(error).__name__, "model": model, **run}
    frames = _frames(error)
    known["collated"] = any("collate" in frame.f_code.co_name for frame, _ in frames)
    for frame, _ in frames:
        local, made = frame.f_locals, type(frame.f_locals.get("self"))
        if frame.f_code.co_name == "__init__" and nn_class(made) is made:
            names = inspect.signature(made.__init__).parameters.keys() - _NO_SETTINGS
            given = {key: value for key, value in local.items() if key in names}
            return Failure(**{**known, "path": ""}, built=made, settings=given)
    frame = frames[-1][0]  # arguments that a constructor does not take never reach it
    named = {**frame.f_globals, **frame.f_locals}.get(str(error).partition(".__init__()")[0])
    if isinstance(named, type) and issubclass(named, nn.Module) and nn_class(named) is None:
        return Failure(**{**known, "path": ""}, built=named)
    if calls := module_calls(error):
        layer = calls[-1]["layer"]
        if model is not None and not known.get("path"):
            known["path"] = next((p for p, one in model.named_modules() if one is layer), "")
        if nn_class(type(layer)) is not None:
            return Failure(**known, **calls[-1], settings=settings(layer))
        if isinstance(error, _REFUSALS) and _refused(error, frames):
            return Failure(**known, **calls[-1], own=True, line=_line(frames[-1][1]))
    return Failure(**known, **_function(frames))


def read_trace(error: TraceError, model: nn.Module, path: str, inputs: Any) -> Failure:
    """The failing call of a run of a model, whose failing layer is at a path."""
    assert error.__cause__ is not None
    return read(error.__cause__, model, path=path, trace=error.trace, inputs=inputs)


def _refused(error: BaseException, frames: _Frames) -> bool:
    """Whether a ``raise`` or an ``assert`` outside torch refused the input, or a count of axes."""
    frame, site = frames[-1]
    if not is_users(frame) or site is None or any(_handles(one) for one, _ in frames):
        return False
    # an operator that torch refuses ends in the user's frame too, with no frame of torch's behind
    unpacked = "to unpack" in str(error) and bool(re.search(r"\.(shape|size\(\))$", _line(site)))
    return unpacked or frame.f_code.co_code[site[1]] == _RAISE


def _line(site: Site | None) -> str:
    """The source line of a place in the code; empty where there is none."""
    if site is None:
        return ""
    code, at = site
    number = next(islice(code.co_positions(), at // 2, None))[0]
    return linecache.getline(code.co_filename, number or 0).strip()


def _handles(frame: FrameType) -> bool:
    """Whether a frame is of a mode that handles a call of torch's."""
    named = frame.f_code.co_name == "__torch_function__"
    return named and callable(frame.f_locals.get("func"))


def _function(frames: _Frames) -> dict[str, Any]:
    """The innermost function that torch's dispatch was handling, or a function of torch's own."""
    for frame, site in reversed(frames):
        if _handles(frame):
            local = frame.f_locals
            return _called(local["func"], local.get("args"), local.get("kwargs"), site)
    for frame, site in frames:
        name, local = frame.f_code.co_name, frame.f_locals
        call: Any = getattr(nn.functional, name, None)
        if getattr(call, "__code__", None) is frame.f_code:
            first, *rest = inspect.signature(call).parameters
            return _called(call, (local[first],), {k: local[k] for k in rest if k in local}, site)
        if name == "load_state_dict" and isinstance(local.get("self"), nn.Module):
            given = (local["self"], local.get("state_dict"))
            return _called(nn.Module.load_state_dict, given, {}, site)
        if name == "__init__" and isinstance(made := local.get("self"), torch.optim.Optimizer):
            return _called(type(made), (local.get("params"),), {}, site)
        if name == "backward" and isinstance(local.get("self"), Tensor):
            return _called(Tensor.backward, (local["self"],), {}, site)
    return {}


_OPERANDS = ("input", "weight", "bias")


def _called(call: Any, args: Any, kwargs: Any, site: Site | None) -> dict[str, Any]:
    """A function's call, with the settings of a convolution, a pool or a linear layer by name."""
    args, kwargs = tuple(args or ()), dict(kwargs or {})
    name = getattr(call, "__name__", "").partition(".")[0]  # an exported model calls conv2d.default
    sliding = next((SLIDING[one] for one in spellings(name) if one in SLIDING), None)
    named: dict[str, Any] = {}
    with suppress(AttributeError, IndexError):  # of a weight that is none
        if sliding is not None:
            named = sliding.settings(args, kwargs)
        elif re.fullmatch(r"adaptive_\w+_pool\dd", name):
            named = dict(zip(("input", "output_size"), args, strict=False)) | kwargs
        elif name == "linear":
            named = {"in_features": args[1].shape[-1]}
    found = {key: value for key, value in named.items() if key not in _OPERANDS}
    if "pool" in name and "kernel_size" in found and found.get("stride") in (None, [], ()):
        found["stride"] = found["kernel_size"]
    given = {"call": call, "args": args, "kwargs": kwargs, "site": site}
    return {"function": name, "settings": found, **given}
