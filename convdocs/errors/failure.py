"""What one exception tells about the call that raised it: the layer, its inputs, its settings.

Nothing is run here and nothing is changed: the facts lie in the exception's traceback.
"""

from __future__ import annotations

import dis
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor, nn

from convdocs import layers
from convdocs.report import Call, Trace
from convdocs.tracing import original

Shape = tuple[int, ...]
Site = tuple[CodeType, int]  # where in the user's code a call stands

_NOT_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))
LETTERS = "abcdefghij"
# what the operands of a call are called in a fix, by the name of the layer or function
_NAMES: dict[str, tuple[str, ...]] = {
    r"(?i)conv(_transpose)?\dd$|^linear$": ("x", "weight", "bias"),
    r"(?i)(cross_?entropy|nll|bce|l1|mse|kl_?div|binary_cross|poisson|huber)": ("x", "target"),
    r"(?i)ctc": ("log_probs", "target", "input_lengths", "target_lengths"),
    r"(?i)cosine_?embedding": ("a", "b", "target"),
    r"(?i)triplet": ("anchor", "positive", "negative"),
    r"^(RNN|LSTM|GRU)(Cell)?$": ("x", "h", "c"),
    r"^MultiheadAttention$|scaled_dot|multi_head": ("q", "k", "v", "mask"),
    r"^Transformer": ("x", "target"),
    r"^(gather|index_select|take_along_dim|__getitem__|scatter)": ("x", "index"),
    r"^Max[uU]npool|unpool": ("x", "indices"),
}


@dataclass(frozen=True)
class Failure:
    """One failing call, as causes and strategies read it.

    Parameters
    ----------
    message : str
        The exception's own words.
    error : str
        The exception's type.
    path : str
        The failing layer's name in its model; empty for a layer by itself.
    layer : torch.nn.Module or None
        The layer that failed; None for a function call or a constructor.
    function : str
        Name of the function that failed outside a layer (``"cat"``), or empty.
    call : callable or None
        That function.
    args, kwargs : tuple and dict
        What the layer or the function was called with.
    built : type or None
        The layer class whose constructor failed.
    settings : dict
        The failing layer's, constructor's or function's arguments by name, tensors left out.
    own : bool
        The layer is no layer of torch's: it refused its input in words of its own.
    site : Site or None
        Where the failing call stands in the user's code.
    on_shapes : bool
        The tensors are stand-ins on meta, from a run on shapes.
    trace, failed : Trace and Call, or None
        The calls that went well before, and the one that failed.
    model : torch.nn.Module or None
        The whole model, with the inputs it was given.
    """

    message: str
    error: str = ""
    path: str = ""
    layer: nn.Module | None = None
    function: str = ""
    call: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    built: type | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    own: bool = False
    site: Site | None = None
    on_shapes: bool = False
    trace: Trace | None = None
    failed: Call | None = None
    model: nn.Module | None = None
    inputs: tuple[Any, ...] = ()

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors among the arguments, those in a list included."""
        return tuple(tensors_in((*self.args, *self.kwargs.values())))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Their shapes."""
        return tuple(tuple(tensor.shape) for tensor in self.tensors)

    @property
    def shape(self) -> Shape:
        """Shape of the first input."""
        return self.shapes[0] if self.shapes else ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the call's operands are called in a fix's code: tensors, or a layer's arguments."""
        count = len(self.operands)
        known: list[str] = next(
            ([*names] for shape, names in _NAMES.items() if re.search(shape, self.kind)), []
        )
        if not known and (self.layer is not None or count == 1):
            known = ["x"]
        by_key = [key for key, value in self.kwargs.items() for _ in tensors_in([value])]
        positional = [*known, *LETTERS[len(known) :]][: count - len(by_key)]
        return (*positional, *by_key)

    @cached_property
    def operands(self) -> tuple[Any, ...]:
        """The tensors of the call; the first argument of a layer whatever it is."""
        if self.layer is None or not self.args or isinstance(self.args[0], Tensor):
            return self.tensors
        return (self.args[0], *tensors_in((*self.args[1:], *self.kwargs.values())))

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
        if self.kind in ("Fold", "Unfold"):
            return 2
        found = re.search(r"([123])d", self.kind)
        return int(found[1]) if found else 0

    @property
    def device(self) -> str:
        """Kind of device that the call ran on, "cpu" for stand-ins; empty where not known."""
        if self.on_shapes or not self.tensors:
            return "cpu" if self.on_shapes else ""
        return self.tensors[0].device.type

    def source(self, tensor: int) -> int:
        """Index of the call an input came from, -1 for the model's input, -2 for a constant."""
        sources = self.failed.sources if self.failed else ()
        return sources[tensor] if tensor < len(sources) else -1

    def makers(self, tensor: int = 0) -> list[Call]:
        """The calls that made an input, the last one first, along their first inputs."""
        found, index = [], self.source(tensor) if self.trace else -1
        while index >= 0 and self.trace is not None:
            call = self.trace.calls[index]
            found.append(call)
            index = call.sources[0] if call.sources else -1
        return found

    def parameter(self, tensor: int) -> str:
        """The path of the model's parameter that an input is, or nothing."""
        # a trace marks the stand-in of a parameter with the parameter's path
        known: tuple[Any, ...] = getattr(
            getattr(self.tensors[tensor], "_convdocs_mark", None), "parameters", ()
        )
        return known[0].path if len(known) == 1 else ""


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors in nested lists and tuples, in order."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """The frames of the exception's traceback, outermost first, each with its instruction.

    Examples
    --------
    >>> try:
    ...     nn.Linear(2, "x")
    ... except Exception as error:
    ...     frames(error)[-1][0].f_code.co_name
    '__init__'
    """
    trace, out = error.__traceback__, []
    while trace is not None:
        out.append((trace.tb_frame, trace.tb_lasti))
        trace = trace.tb_next
    return out


def is_users(frame: FrameType) -> bool:
    """Whether a frame runs the user's code, neither torch's nor ours."""
    return not frame.f_code.co_filename.startswith(_NOT_USERS)


@dataclass(frozen=True)
class ModuleCall:
    """A module that was running when the exception came, and what it was called with."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    site: Site | None


def module_calls(error: BaseException) -> list[ModuleCall]:
    """The modules that were running when the exception came, outermost first.

    Examples
    --------
    >>> try:
    ...     nn.Sequential(nn.ReLU(), nn.Linear(2, 1))(torch.zeros(3, 4))
    ... except RuntimeError as error:
    ...     [type(call.module).__name__ for call in module_calls(error)]
    ['Sequential', 'Linear']
    """
    found, site = [], None
    for frame, at in frames(error):
        local = frame.f_locals
        if is_users(frame):
            site = (frame.f_code, at)
        if frame.f_code.co_name == "_call_impl" and isinstance(local.get("self"), nn.Module):
            args, kwargs = tuple(local["args"]), dict(local["kwargs"])
            module = original(local["self"])  # a trace runs a stand-in of the model
            found.append(ModuleCall(module, args, kwargs, site))
    return found


def nn_class(made: Any) -> Any:
    """The class of torch.nn that a layer's class is or derives from; None where there is none.

    Examples
    --------
    >>> nn_class(type("Mine", (nn.Conv2d,), {})).__name__, nn_class(nn.Module)
    ('Conv2d', None)
    """
    found = (base for base in getattr(made, "__mro__", ()) if getattr(nn, base.__name__, 0) is base)
    base = next(found, None)
    return None if base in (nn.Module, *_CONTAINERS) else base


_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Container)


def settings(module: nn.Module) -> dict[str, Any]:
    """The arguments that build a module like this one.

    Examples
    --------
    >>> settings(nn.MaxPool2d(2))
    {'kernel_size': 2, 'stride': 2, 'padding': 0, 'dilation': 1, 'return_indices': False, \
'ceil_mode': False}
    """
    if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return layers.constructor_values(module)
    found = {}
    for parameter in inspect.signature(type(module).__init__).parameters.values():
        value = getattr(module, parameter.name, parameter.empty)
        if parameter.name in ("self", "device", "dtype") or value is parameter.empty:
            continue
        if isinstance(parameter.default, bool) and not isinstance(value, bool):
            value = value is not None  # a layer's bias is a tensor where it was asked for
        found[parameter.name] = value
    return found


def read(error: BaseException, model: nn.Module | None = None, path: str = "") -> Failure:
    """The failing call behind an exception.

    Parameters
    ----------
    error : BaseException
        An exception that torch or a model raised.
    model : torch.nn.Module or None
        The model that ran, to name the failing layer's path in it.
    path : str
        That path where it is known already.

    Examples
    --------
    >>> try:
    ...     nn.Conv1d(3, 2, 3)(torch.zeros(2, 4, 5))
    ... except RuntimeError as error:
    ...     failure = read(error)
    >>> failure.name, failure.shape
    ('Conv1d(3, 2, 3)', (2, 4, 5))
    """
    words: dict[str, Any] = {"message": str(error), "error": type(error).__name__}
    constructed = _constructor(error)
    if constructed is not None:
        return Failure(**words, built=constructed[0], settings=constructed[1])
    calls = module_calls(error)
    last = calls[-1] if calls else None
    if last is not None and not path and model is not None:
        path = next((name for name, one in model.named_modules() if one is last.module), "")
    if last is not None:
        known: dict[str, Any] = {"path": path, "layer": last.module, "site": last.site}
        known |= {"args": last.args, "kwargs": last.kwargs}
        if nn_class(type(last.module)) is not None:
            return Failure(**words, **known, settings=settings(last.module))
        if _raised_by_user(error):
            return Failure(**words, **known, own=True)
    return _function(error, words, path)


def _raised_by_user(error: BaseException) -> bool:
    """Whether a ``raise`` or an ``assert`` outside torch made the exception."""
    last = frames(error)[-1][0]
    checked = isinstance(error, ValueError | AssertionError | RuntimeError)
    # an operator that torch refuses ends in the user's frame too, with no frame of torch's behind
    return checked and is_users(last) and not _dispatched(error) and _raises(error)


def _raises(error: BaseException) -> bool:
    frame, instruction = frames(error)[-1]
    return frame.f_code.co_code[instruction] == _RAISE


_RAISE = dis.opmap["RAISE_VARARGS"]


def _dispatched(error: BaseException) -> list[tuple[int, dict[str, Any]]]:
    """The calls that a mode handled when the exception came."""
    return [
        (place, frame.f_locals)
        for place, (frame, _) in enumerate(frames(error))
        if frame.f_code.co_name == "__torch_function__" and callable(frame.f_locals.get("func"))
    ]


def _constructor(error: BaseException) -> tuple[type, dict[str, Any]] | None:
    for frame, _ in frames(error):
        maker = frame.f_locals.get("self")
        if frame.f_code.co_name != "__init__" or not isinstance(maker, nn.Module):
            continue
        if nn_class(type(maker)) is type(maker):
            names = inspect.signature(type(maker).__init__).parameters
            skip = ("self", "device", "dtype")
            given = {n: frame.f_locals[n] for n in names if n in frame.f_locals and n not in skip}
            return type(maker), given
    return None


def _function(error: BaseException, words: dict[str, Any], path: str) -> Failure:
    """The innermost function that torch's dispatch was handling, or a function of torch's own."""
    found = frames(error)
    handled = _dispatched(error)
    if handled:
        place, local = handled[-1]
        call, args, kwargs = local["func"], local.get("args"), local.get("kwargs")
        args, kwargs = tuple(args or ()), dict(kwargs or {})
    else:
        place, call, args, kwargs = _of_torch(found)
    if call is None:
        return Failure(**words, path=path)
    users = [(frame.f_code, at) for frame, at in found[:place] if is_users(frame)]
    function = getattr(call, "__name__", "")
    return Failure(
        **words,
        path=path,
        function=function,
        call=call,
        args=args,
        kwargs=kwargs,
        settings=function_settings(function, args, kwargs),
        site=users[-1] if users else None,
    )


def _of_torch(
    found: list[tuple[FrameType, int]],
) -> tuple[int, Any, tuple[Any, ...], dict[str, Any]]:
    """The first function of torch.nn.functional, or load_state_dict, that was running."""
    for place, (frame, _) in enumerate(found):
        function, local = frame.f_code.co_name, frame.f_locals
        call: Any = getattr(nn.functional, function, None)
        if getattr(call, "__code__", None) is frame.f_code:
            names = list(inspect.signature(call).parameters)
            return place, call, (local[names[0]],), {k: local[k] for k in names[1:] if k in local}
        if function == "load_state_dict" and isinstance(local.get("self"), nn.Module):
            return place, nn.Module.load_state_dict, (local["self"], local.get("state_dict")), {}
    return 0, None, (), {}


# what follows the tensors of a function that has a layer of the same kind
_WINDOW = ("kernel_size", "stride", "padding")
ARGUMENTS = {
    r"conv\dd": ("stride", "padding", "dilation", "groups"),
    r"conv_transpose\dd": ("stride", "padding", "output_padding", "groups", "dilation"),
    r"max_pool\dd": (*_WINDOW, "dilation", "ceil_mode", "return_indices"),
    r"avg_pool\dd": (*_WINDOW, "ceil_mode", "count_include_pad", "divisor_override"),
    r"adaptive_\w+_pool\dd": ("output_size",),
}


def function_settings(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The settings of a functional convolution or pool, by name.

    Examples
    --------
    >>> function_settings("max_pool2d", (torch.zeros(1, 8, 8), 2), {"stride": 3})
    {'kernel_size': 2, 'stride': 3}
    """
    known = next((names for shape, names in ARGUMENTS.items() if re.fullmatch(shape, name)), None)
    if known is None:
        return {}
    tensors = 3 if name.startswith("conv") else 1
    given = dict(zip(known, args[tensors:], strict=False))
    found = {**given, **{key: value for key, value in kwargs.items() if key in known}}
    if name.startswith("conv") and len(args) > 1 and isinstance(args[1], Tensor):
        found["kernel_size"] = tuple(args[1].shape[2:])
    if found.get("stride") in (None, [], ()) and "kernel_size" in found and "pool" in name:
        found["stride"] = found["kernel_size"]
    return found
