"""Data types, devices and things that are no tensors."""

from torch import Tensor, nn

from convdocs.errors.entry import Entry, Family
from convdocs.errors.facts import devices, odd_types
from convdocs.errors.failure import Failure
from convdocs.errors.strategies import dtypes, settings


def _of_nn(failure: Failure) -> bool:
    """Whether the message is about the constructor of one of torch's layers."""
    made = failure.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return bool(odd_types(failure)) or (made != failure.message and known)


FAMILY = Family(
    "dtypes",
    "Data types, devices and things that are no tensors",
    "A data type, a device or a thing that is no tensor",
    "Input, weight and bias must have one data type and lie on one device. Images come as uint8, "
    "NumPy makes float64, labels are int64; a layer's weights are float32 unless you say "
    "otherwise.",
    (
        Entry(
            "device-mismatch",
            "Input and weights on different devices",
            (
                r"Tensor on device (?P<a>[\w:]+) is not on the expected device (?P<b>[\w:]+)",
                "Expected all tensors to be on the same device, but (?:found at least two devices, "
                r"(?P<a>[\w:]+) and (?P<b>[\w:]+)|got)",
                r"Input type \((?P<a>torch\.cuda\.\w+)\) and weight type "
                r"\((?P<b>torch\.(?!cuda)\w+)\)",
                r"Input type \((?P<a>torch\.(?!cuda)\w+)\) and weight type "
                r"\((?P<b>torch\.cuda\.\w+)\)",
            ),
            'layer = nn.Linear(4, 2)\nx = torch.zeros(3, 4, device="meta")\nlayer(x)',
            (
                (
                    "The input {shape} lies on {input_device}, the weights on {weights_device}.",
                    "The tensors lie on {places}; one device must hold them all.",
                    "The tensors lie on different devices.",
                ),
                "{listed}",
            ),
            (dtypes.registered, dtypes.to_one_device),
            lambda failure: len(devices(failure)) > 1 or not failure.tensors,
        ),
        Entry(
            "not-a-tensor",
            "The input is no tensor",
            (
                r"argument '\w+' \(position 1\) must be Tensor, not (?P<got>[\w.]+)",
                r"received an invalid combination of arguments - got "
                r"\((?P<got>(?!Tensor|Parameter)[\w.]+)",
                r"'(?P<got>[\w.]+)' object has no attribute "
                "'(?:dim|size|shape|device|is_cuda|ndim|is_nested)'",
                r"'(?P<got>\w+)' object is not callable",
                r"expected Tensor as (?:element \d+ in )?argument \d+, but got (?P<got>[\w.]+)",
            ),
            "layer = nn.Conv2d(3, 8, 3)\nx = numpy.zeros((1, 3, 8, 8), dtype=numpy.float32)\n"
            "layer(x)",
            ("{name} was given {thing}; layers take a torch.Tensor.",),
            (dtypes.a_tensor,),
            lambda failure: (
                (bool(failure.kind) or failure.message.startswith("expected Tensor as"))
                and not (failure.args and isinstance(failure.args[0], Tensor))
            ),
        ),
        Entry(
            "argument-count",
            "A layer called with too few or too many inputs",
            (
                r"(?P<op>[\w.]+)\.forward\(\) missing \d+ required positional arguments?: "
                r"(?P<missing>.*)",
                r"(?P<op>[\w.]+)\.forward\(\) takes (?P<takes>\d+) positional arguments? but "
                r"(?P<given>\d+) were given",
                r"(?P<op>[\w.]+)\.forward\(\) got an unexpected keyword argument '(?P<extra>\w+)'",
            ),
            "layer = nn.ReLU()\nx = torch.zeros(1, 3, 8, 8)\nlayer(x, x)",
            (
                (
                    "{name} was called without {missing}.",
                    "{name} knows no argument '{extra}'.",
                    "{name} takes {takes} arguments with itself and was given {given}.",
                ),
            ),
            (dtypes.only_what_it_takes,),
        ),
        Entry(
            "constructor-arguments",
            "A layer built with arguments that do not fit",
            (
                r"(?P<op>\w+)\.__init__\(\) (?P<what>missing .*|takes .*|got .*)",
                r"not all arguments converted during string formatting",
                r"empty\(\): argument 'size' .*(?:float|str|NoneType)",
                r"unsupported operand type\(s\) for",
                r"'<=?' not supported between instances of",
                r"argument '\w+' .*must be (?:tuple of ints|int), (?:not|but found element of type)"
                " (?:float|str)",
                r"argument '\w+' failed to unpack the object at pos \d+ with error \"type must be "
                r"tuple of ints,but got \w+\"",
                r"unflattened_size must be",
            ),
            "layer = nn.Conv2d(3, 8, 3.0)",
            (
                (
                    "{op} was built with other arguments than it takes: {what}.",
                    "{kind} got {odd}; sizes and counts are whole numbers.",
                ),
            ),
            (settings.whole_numbers,),
            _of_nn,
        ),
        Entry(
            "dtype-mismatch",
            "Input and weights of different data types",
            (
                r"Input type \((?P<a>[^)]*)\) and (?:weight|bias) type \((?P<b>[^)]*)\) should be "
                "the same",
                r"mat1 and mat2 must have the same dtype, but got (?P<a>\w+) and (?P<b>\w+)",
                r"expected m1 and m2 to have the same dtype, but got: (?P<a>.+) != (?P<b>.+)",
                r"expected scalar type (?P<a>[\w.]+) but found (?P<b>[\w.]+)",
                r"expected both vectors to have same dtype, but found (?P<a>[\w.]+) and "
                r"(?P<b>[\w.]+)",
                r"mixed dtype \(CPU\): (?:all inputs must share same datatype|expect parameter to "
                "have scalar type of)",
                r"must have the same dtype",
            ),
            "layer = nn.Conv2d(3, 8, 3)\nx = torch.zeros(1, 3, 8, 8, dtype=torch.float64)\n"
            "layer(x)",
            (
                (
                    "The input is {dtype}, the weights of {name} are {weights}.",
                    "The tensors are {dtypes}; all must have one data type.",
                    "The tensors are {said_dtypes}; all must have one data type.",
                    "The tensors are of several data types; all must have one.",
                ),
                "{listed}",
                "{habit}.",
            ),
            (dtypes.registered, dtypes.to_weights),
        ),
        Entry(
            "dtype-not-supported",
            "An operation that does not exist for this data type",
            (
                r"\"(?P<op>[^\"]+)\" not implemented for '(?P<type>\w+)'",
                r"could not infer output dtype\. Input dtype must be either a floating point or "
                r"complex dtype\. Got: (?P<type>[\w.]+)",
                "(?:does not support|not supported for|is not supported on|not implemented for) "
                r".*(?P<type>[Cc]omplex|[Bb]ool|[Hh]alf|[Bb]yte|[Ii]nt\d*)",
                r"result type \w+ can't be cast",
            ),
            "layer = nn.AvgPool2d(2)\nx = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)\nlayer(x)",
            (
                (
                    "{name} has no version for {dtype} on the {where}.",
                    "{op} has no version for this data type on the {where}.",
                ),
            ),
            (dtypes.to_float,),
        ),
    ),
)
