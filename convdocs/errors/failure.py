"""What one exception tells about the call that raised it: the layer, its inputs, its settings.

Nothing is run here and nothing is changed: the facts lie in the exception's traceback.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from torch import Tensor, nn

from convdocs import layers
from convdocs.report import Call, Trace
from convdocs.tracing import original

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Failure:
    """One failing call, as the catalogue's causes and fixes read it.

    Parameters
    ----------
    message : str
        The exception's own words.
    path : str
        The failing layer's name in its model; empty for a layer by itself.
    layer : torch.nn.Module or None
        The layer of torch.nn that failed; None for a function call or a constructor.
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
    on_shapes : bool
        The tensors are stand-ins on meta, from a run on shapes.
    trace : Trace or None
        The calls that went well before.
    failed : Call or None
        The failing call in that trace.
    """

    message: str
    path: str = ""
    layer: nn.Module | None = None
    function: str = ""
    call: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    built: type | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    on_shapes: bool = False
    trace: Trace | None = None
    failed: Call | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors among the arguments, those in a list included."""
        return tuple(_tensors((*self.args, *self.kwargs.values())))

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Their shapes."""
        return tuple(tuple(tensor.shape) for tensor in self.tensors)

    @property
    def kind(self) -> str:
        """Name of the layer class or of the function."""
        made = self.built or (type(self.layer) if self.layer is not None else None)
        return made.__name__ if made else self.function

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
    def shape(self) -> Shape:
        """Shape of the first input."""
        return self.shapes[0] if self.shapes else ()

    @property
    def device(self) -> str:
        """Kind of device that the call ran on, "cpu" for stand-ins; empty where not known."""
        if self.on_shapes or not self.tensors:
            return "cpu" if self.on_shapes else ""
        return self.tensors[0].device.type

    def makers(self, tensor: int) -> list[Call]:
        """The calls that made an input, the last one first, along their first inputs."""
        if self.trace is None or self.failed is None or tensor >= len(self.failed.sources):
            return []
        found, index = [], self.failed.sources[tensor]
        while index >= 0:
            call = self.trace.calls[index]
            found.append(call)
            index = call.sources[0] if call.sources else -1
        return found


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def frames(error: BaseException) -> list[FrameType]:
    """The frames of the exception's traceback, outermost first.

    Examples
    --------
    >>> try:
    ...     nn.Linear(2, "x")
    ... except Exception as error:
    ...     frames(error)[-1].f_code.co_name
    '__init__'
    """
    trace, out = error.__traceback__, []
    while trace is not None:
        out.append(trace.tb_frame)
        trace = trace.tb_next
    return out


@dataclass(frozen=True)
class ModuleCall:
    """A module that was running when the exception came, and what it was called with."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def module_calls(error: BaseException) -> list[ModuleCall]:
    """The modules that were running when the exception came, outermost first.

    Examples
    --------
    >>> import torch
    >>> try:
    ...     nn.Sequential(nn.ReLU(), nn.Linear(2, 1))(torch.zeros(3, 4))
    ... except RuntimeError as error:
    ...     [type(call.module).__name__ for call in module_calls(error)]
    ['Sequential', 'Linear']
    """
    found = []
    for frame in frames(error):
        local = frame.f_locals
        if frame.f_code.co_name == "_call_impl" and isinstance(local.get("self"), nn.Module):
            module = original(local["self"])  # a trace runs a stand-in of the model
            found.append(ModuleCall(module, tuple(local["args"]), dict(local["kwargs"])))
    return found


def of_torch(module: Any) -> bool:
    """Whether the class is one of torch.nn's own, which can be built anew from its settings.

    Examples
    --------
    >>> of_torch(nn.Conv2d), of_torch(type("Mine", (nn.Conv2d,), {}))
    (True, False)
    """
    return getattr(nn, module.__name__, None) is module


def settings(module: nn.Module) -> dict[str, Any]:
    """The arguments that build a module like this one.

    Examples
    --------
    >>> settings(nn.MaxPool2d(2))
    {'kernel_size': 2, 'stride': 2, 'padding': 0, 'dilation': 1, 'return_indices': False, \
'ceil_mode': False}
    """
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
        An exception that torch raised.
    model : torch.nn.Module or None
        The model that ran, to name the failing layer's path in it.
    path : str
        That path where it is known already.

    Examples
    --------
    >>> import torch
    >>> try:
    ...     nn.Conv1d(3, 2, 3)(torch.zeros(2, 4, 5))
    ... except RuntimeError as error:
    ...     failure = read(error)
    >>> failure.name, failure.shape
    ('Conv1d(3, 2, 3)', (2, 4, 5))
    """
    made = _constructor(error)
    if made is not None:
        return Failure(str(error), built=made[0], settings=made[1])
    calls = module_calls(error)
    last = calls[-1] if calls else None
    if last is not None and not path and model is not None:
        path = next((name for name, one in model.named_modules() if one is last.module), "")
    if last is not None and type(last.module).__module__.startswith("torch.nn.modules"):
        return Failure(
            str(error),
            path=path,
            layer=last.module,
            args=last.args,
            kwargs=last.kwargs,
            settings=settings(last.module),
        )
    return _function(error, path)


def _constructor(error: BaseException) -> tuple[type, dict[str, Any]] | None:
    for frame in frames(error):
        maker = frame.f_locals.get("self")
        if frame.f_code.co_name != "__init__" or not isinstance(maker, nn.Module):
            continue
        if of_torch(type(maker)):
            names = inspect.signature(type(maker).__init__).parameters
            skip = ("self", "device", "dtype")
            given = {n: frame.f_locals[n] for n in names if n in frame.f_locals and n not in skip}
            return type(maker), given
    return None


def _function(error: BaseException, path: str) -> Failure:
    """The innermost function that torch's dispatch was handling, if a mode saw it."""
    for frame in reversed(frames(error)):
        local = frame.f_locals
        if frame.f_code.co_name == "__torch_function__" and callable(local.get("func")):
            name = getattr(local["func"], "__name__", "")
            args, kwargs = tuple(local.get("args") or ()), dict(local.get("kwargs") or {})
            return Failure(
                str(error),
                path=path,
                function=name,
                call=local["func"],
                args=args,
                kwargs=kwargs,
                settings=function_settings(name, args, kwargs),
            )
    return Failure(str(error), path=path)


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
    >>> import torch
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
