"""The one place that reads an ``nn.Module`` into Windows, named axes and the code that makes it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from torch import Tensor, jit, nn
from torch.nn import functional as F

from convdocs.geometry import AXIS_NAMES as AXIS_NAMES
from convdocs.geometry import Window, same_padding

Family = Literal["convolution", "transposed", "max", "average", "lp", "unfold"]


class LayerError(ValueError):
    """A layer that convdocs cannot read, or an input that is not one; says what to do."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What a sliding-window layer does, apart from its weights.

    Parameters
    ----------
    kind : str
        The class as torch names it, ``"Conv1d"``.
    family : str
        ``"convolution"``, ``"transposed"``, ``"max"``, ``"average"``, ``"lp"`` or ``"unfold"``.
    windows : tuple of Window
        One per spatial axis.
    padding_mode : str
        Where padded cells come from: ``"zeros"``, ``"reflect"``, ``"replicate"``, ``"circular"``.
    in_channels, out_channels : int or None
        None for a layer that takes any number of channels.
    groups : int
        Groups of channels that do not see each other.
    """

    kind: str
    family: Family
    windows: tuple[Window, ...]
    padding_mode: str = "zeros"
    in_channels: int | None = None
    out_channels: int | None = None
    groups: int = 1

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.windows)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the spatial axes, ``("H", "W")``."""
        return AXIS_NAMES[self.dims]


_SLIDING: tuple[tuple[str, str, Family], ...] = (  # as layers and as functions are called
    ("Conv", "conv", "convolution"),
    ("ConvTranspose", "conv_transpose", "transposed"),
    ("MaxPool", "max_pool", "max"),
    ("AvgPool", "avg_pool", "average"),
    ("LPPool", "lp_pool", "lp"),
)
FAMILIES: dict[type[nn.Module], tuple[Family, int]] = {
    getattr(nn, f"{layer}{dims}d"): (family, dims)
    for layer, _, family in _SLIDING
    for dims in AXIS_NAMES
}
FAMILIES[nn.Unfold] = ("unfold", 2)


def read(module: nn.Module) -> Layer:
    """Read a sliding-window layer; its weights are not touched.

    Raises
    ------
    LayerError
        When ``module`` is not a convolution, a pool or an unfold.

    Examples
    --------
    >>> layer = read(nn.Conv1d(3, 2, 3, padding="same"))
    >>> layer.kind, layer.windows[0].padding
    ('Conv1d', (1, 1))
    """
    known = next((FAMILIES[base] for base in type(module).__mro__ if base in FAMILIES), None)
    if known is None:
        raise LayerError(
            f"{type(module).__name__} has no sliding window that convdocs can read; "
            f"it reads {', '.join(sorted(base.__name__ for base in FAMILIES))}"
        )
    kept = module.__dict__
    own = {name: kept[name] for name in _OF_CONVOLUTIONS if name in kept}
    return Layer(type(module).__name__, known[0], windows(*known, kept), **own)


_OF_CONVOLUTIONS = ("padding_mode", "in_channels", "out_channels", "groups")


# layers of torch's that say over how many spatial axes they work
_DIMS = {
    cls: dims for name, cls in vars(nn).items() for dims in AXIS_NAMES if name[-2:] == f"{dims}d"
}


def axis_names(module: nn.Module, rank: int) -> tuple[str, ...]:
    """The axes of an output of a layer whose class says over how many of them it works.

    Examples
    --------
    >>> axis_names(nn.Conv1d(3, 2, 3), 3), axis_names(nn.ReLU(), 3)
    (('N', 'C', 'L'), ())
    """
    dims = next((_DIMS[base] for base in type(module).__mro__ if base in _DIMS), 0)
    if isinstance(module, nn.BatchNorm1d) and rank == 2:
        return ("N", "C")
    return ("N", "C", *AXIS_NAMES[dims])[-rank:] if dims and rank - dims in (1, 2) else ()


def windows(family: Family, dims: int, settings: Mapping[str, Any]) -> tuple[Window, ...]:
    """The windows of a layer or a function, by its settings under their names in torch.

    Raises
    ------
    LayerError
        When a setting is not one number for each axis.

    Examples
    --------
    >>> windows("max", 1, {"kernel_size": 2})
    (Window(kernel=2, stride=2, ...),)
    """
    kernels = per_axis(settings["kernel_size"], dims)
    pool = family in ("max", "average", "lp")
    stride = settings.get("stride")
    strides = per_axis((kernels if pool else 1) if stride in (None, (), []) else stride, dims)
    dilations = per_axis(settings.get("dilation", 1), dims)
    padding = settings.get("padding", 0)  # LPPool has none
    if padding == "same":
        pads = tuple(same_padding(k, d) for k, d in zip(kernels, dilations, strict=True))
    else:
        pads = tuple((p, p) for p in per_axis(0 if padding == "valid" else padding, dims))
    extra = per_axis(settings.get("output_padding", 0), dims)
    ceil_mode, transposed = bool(settings.get("ceil_mode", False)), family == "transposed"
    settings_per_axis = zip(kernels, strides, pads, dilations, extra, strict=True)
    return tuple(Window(*own, ceil_mode, transposed) for own in settings_per_axis)


def per_axis(value: Any, dims: int) -> tuple[int, ...]:
    """An int or a tuple as torch's constructors take it, as one int per spatial axis.

    Raises
    ------
    LayerError
        When ``value`` is neither an int nor 1 or ``dims`` of them.

    Examples
    --------
    >>> per_axis(3, 2), per_axis((3,), 2), per_axis((1, 2), 2)
    ((3, 3), (3, 3), (1, 2))
    """
    if isinstance(value, int):
        return (value,) * dims
    if not isinstance(value, tuple | list) or len(value) not in (1, dims):
        raise LayerError(f"{value!r} is not one number for each of {dims} spatial axes")
    return tuple(map(int, value)) * (dims // len(value))


def code(module: nn.Module) -> str:
    """The constructor call as one would type it: required arguments, then what differs.

    A tensor that was given to the constructor (a loss's class weights) is shown as ``...``, and
    so is what a module made of other modules was given. A class whose constructor does not keep
    its arguments shows what its ``repr`` shows.

    Examples
    --------
    >>> code(nn.Conv1d(3, 2, kernel_size=3, padding=1))
    'Conv1d(3, 2, 3, padding=1)'
    >>> code(nn.MaxPool2d(2)), code(nn.LSTM(4, 8, bidirectional=True))
    ('MaxPool2d(2)', 'LSTM(4, 8, bidirectional=True)')
    """
    if isinstance(module, jit.ScriptModule):
        return f"{module.original_name}(...)"
    name = layer_class(module).__name__
    if module._modules and not _is_one_layer(module):
        return f"{name}(...)"
    arguments = _arguments(layer_class(module))
    words: list[str] = []
    by_position = True
    for argument, default in arguments or ():
        value = _given(module, argument, default)
        required = default is inspect.Parameter.empty
        if value is _MISSING and required:
            arguments = None
        elif value is _MISSING or value is default or _same(value, default):
            by_position = False
        else:
            spelled = "..." if isinstance(value, Tensor) else repr(value)
            words.append(spelled if by_position and required else f"{argument}={spelled}")
    return f"{name}({module.extra_repr() if arguments is None else ', '.join(words)})"


def constructor_values(module: nn.Module) -> dict[str, Any]:
    """What a constructor was given, by argument name, as far as the layer keeps it.

    Examples
    --------
    >>> constructor_values(nn.Linear(3, 4, bias=False))
    {'in_features': 3, 'out_features': 4, 'bias': False}
    """
    pairs = _values(module, layer_class(module))
    return {name: value for name, value in pairs if value is not _MISSING}


_KINDS: dict[Any, str] = {
    nn.Linear: "linear",
    nn.modules.batchnorm._BatchNorm: "batch norm",
    nn.modules.instancenorm._InstanceNorm: "instance norm",
    nn.GroupNorm: "group norm",
    nn.LayerNorm: "layer norm",
    nn.RMSNorm: "rms norm",
    **dict.fromkeys((nn.Flatten, nn.Unflatten), "reshape"),
    nn.modules.padding._ConstantPadNd: "constant pad",
    **dict.fromkeys((nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss), "loss"),
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"), "loss"),
    **{cls: kind for cls, (kind, _) in FAMILIES.items()},
    "linear": "linear",
    **{f"{kind}_norm": f"{kind} norm" for kind in ("batch", "instance", "group", "layer", "rms")},
    **dict.fromkeys(("flatten", "ravel", "reshape", "view", "unflatten", "view_as"), "reshape"),
    **{f"{name}{dims}d": family for _, name, family in _SLIDING for dims in AXIS_NAMES},
}


@lru_cache(maxsize=1024)
def family(called: Any) -> str:
    """What a layer's class, or a function by its name, is; a subclass is what its base is.

    Examples
    --------
    >>> family(nn.BatchNorm2d), family("batch_norm"), family(nn.Sequential)
    ('batch norm', 'batch norm', '')
    """
    bases = called.__mro__ if isinstance(called, type) else (called,)
    return next((_KINDS[base] for base in bases if base in _KINDS), "")


def plain_settings(module: nn.Module) -> tuple[tuple[str, object], ...]:
    """What torch's own layer was made with, where plain: numbers, words, tuples of them.

    A subclass may take other arguments, or keep none; it is read as the layer of torch it is.

    Examples
    --------
    >>> plain_settings(nn.GroupNorm(2, 4))[:2]
    (('num_groups', 2), ('num_channels', 4))
    """
    cls = next(base for base in type(module).__mro__ if base.__module__.startswith("torch."))
    return tuple([pair for pair in _values(module, cls) if _is_plain(pair[1])])


def _values(module: nn.Module, cls: Any) -> list[tuple[str, Any]]:
    return [(name, _given(module, name, default)) for name, default in _arguments(cls) or ()]


# what findings ask about a function
_ASKED = {
    F.batch_norm: "training",
    F.instance_norm: "use_input_stats",
    F.group_norm: "num_groups",
    F.layer_norm: "normalized_shape",
    F.rms_norm: "normalized_shape",
    F.pad: "mode",
}


def function_settings(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[str, object], ...]:
    """The same of a function's call, for the functions and the argument that a finding asks for.

    Examples
    --------
    >>> function_settings(F.group_norm, (None, 2), {})
    (('num_groups', 2),)
    """
    name = _ASKED.get(function)
    if name is None:
        return ()
    given = _signature(function).bind(*args, **kwargs)
    given.apply_defaults()
    value = given.arguments[name]
    return ((name, tuple(value) if isinstance(value, list) else value),)


_signature = lru_cache(maxsize=64)(inspect.signature)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)


def layer_class(module: nn.Module) -> Any:
    """The class as its author wrote it: torch derives one of its own for a parametrised layer.

    Examples
    --------
    >>> layer_class(nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))).__name__
    'Linear'
    """
    cls = type(module)
    if issubclass(cls, jit.ScriptModule):
        return jit.ScriptModule
    return cls.__bases__[0] if cls.__module__ == "torch.nn.utils.parametrize" else cls


def _is_one_layer(module: nn.Module) -> bool:
    """Whether the modules inside are a layer's own business: its projection, its weight norm."""
    inner = module._modules.keys() - {"parametrizations"}
    return not inner or isinstance(module, nn.MultiheadAttention)


_MISSING = object()


@lru_cache(maxsize=1024)
def _arguments(cls: Any) -> tuple[tuple[str, Any], ...] | None:
    """Names and defaults of a constructor's arguments; None where it takes any."""
    given = list(inspect.signature(cls.__init__).parameters.values())[1:]
    if cls.__init__ in _RNN_CONSTRUCTORS:
        known = inspect.signature(nn.RNNBase.__init__).parameters
        projects = cls.__init__ is nn.LSTM.__init__  # the others refuse the argument
        given = [p for name, p in known.items() if projects or name != "proj_size"][2:]
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in given):
        return None
    found = [(p.name, p.default) for p in given if p.name not in _LEFT_OUT and p.name[0] != "_"]
    return (*found, ("nonlinearity", "tanh")) if cls.__init__ is nn.RNN.__init__ else tuple(found)


_RNN_CONSTRUCTORS = tuple(vars(cls)["__init__"] for cls in (nn.RNN, nn.LSTM, nn.GRU))
# where and of what a layer is made, and the losses' old spellings of ``reduction``
_LEFT_OUT = frozenset({"device", "dtype", "size_average", "reduce", "min_value", "max_value"})

# what a constructor was given, where the module keeps it in another form
_KEPT_OTHERWISE: dict[str, Callable[[Any], Any]] = {
    "add_bias_kv": lambda module: module.bias_k is not None,
    "kdim": lambda module: module.kdim if module.kdim != module.embed_dim else None,
    "vdim": lambda module: module.vdim if module.vdim != module.embed_dim else None,
    "norm_type": lambda module: _number(module.norm_type),
    "p": lambda module: module.norm if isinstance(module, nn.PairwiseDistance) else module.p,
}
# settings that may be given as one number for all axes
PER_AXIS = frozenset(
    {
        "kernel_size", "stride", "padding", "dilation", "output_padding", "output_size",
        "scale_factor", "output_ratio", "size",
    }
)  # fmt: skip


def _given(module: nn.Module, argument: str, default: Any) -> Any:
    """The value of one argument as its author typed it: (3, 3) was 3, a bias tensor was True."""
    kept = module.__dict__
    if argument in _KEPT_OTHERWISE:
        return _KEPT_OTHERWISE[argument](module)
    if argument == "bias" and default is True:
        return _has_bias(module)
    value = kept[argument] if argument in kept else getattr(module, argument, _MISSING)
    if default is None and argument == "stride" and value == kept.get("kernel_size"):
        return None  # a pool's stride follows its kernel
    if type(value) is tuple:
        alike = len(value) == 1 or (argument in PER_AXIS and len(set(value)) == 1)
        value = value[0] if alike else value
    return _number(value) if argument == "scale_factor" else value


def _number(value: Any) -> Any:
    """A whole number without a point: nobody types ``Upsample(scale_factor=2.0)``."""
    if isinstance(value, tuple):
        return tuple(_number(one) for one in value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _has_bias(module: Any) -> bool:
    """Whether the layer was made with a bias; one without any affine part was not asked."""
    kept = module.__dict__
    if not (kept.get("affine", True) and kept.get("elementwise_affine", True)):
        return True
    if isinstance(module, nn.MultiheadAttention):
        return module.in_proj_bias is not None
    if "bias" in kept:
        # a plain flag in recurrent layers; a tensor where pruning hides the parameter
        return isinstance(kept["bias"], Tensor) or bool(kept["bias"])
    return module._parameters.get("bias", True) is not None


def _same(value: Any, default: Any) -> bool:
    return not isinstance(value, Tensor) and type(value) is not object and bool(value == default)
