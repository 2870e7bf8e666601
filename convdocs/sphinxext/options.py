"""What the directives' options and the extension's settings are called, take and default to.

Each is declared once, here; reading them and the reference page both follow the declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convdocs.suggest import nearest


class OptionError(ValueError):
    """An option that a directive does not have, or a value that it cannot take."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a directive.

    Parameters
    ----------
    name : str
        As it is written between the colons.
    takes : str
        What its value looks like, for the reference and for messages.
    help : str
        What it does.
    read : callable
        Text to value; raises ValueError with a sentence.
    default : object
        The value without the option.
    required : bool
        Whether the directive needs it.

    Examples
    --------
    >>> SEED.default, SEED.read("3")
    (0, 3)
    """

    name: str
    takes: str
    help: str
    read: Callable[[str], Any]
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of conf.py.

    Examples
    --------
    >>> [setting.name for setting in SETTINGS]
    ['convdocs_execute', 'convdocs_errors_url']
    """

    name: str
    default: Any
    help: str


SETTINGS = (
    Setting(
        "convdocs_execute",
        False,
        "Whether directives may run code: import a model, or run the lines in their body.",
    ),
    Setting(
        "convdocs_errors_url",
        "",
        "Address, ending in a slash, of a copy of these pages, whose entries diagnoses then link "
        "to; / means that they are in this project.",
    ),
)


def read(declared: Sequence[Option], given: Mapping[str, str | None]) -> dict[str, Any]:
    """Values of all the options that are declared, from the text of those that are given.

    Raises
    ------
    OptionError
        For an option that is not declared, a value that its option cannot take, or a
        required option that is not given.

    Examples
    --------
    >>> read((SIZE, SEED), {"size": "4x5"})
    {'size': (4, 5), 'seed': 0}
    >>> read((SIZE, SEED), {"siez": "4x5"})
    Traceback (most recent call last):
    convdocs.sphinxext.options.OptionError: there is no option :siez:; did you mean size?
    """
    known = {option.name: option for option in declared}
    for name in given:
        if name not in known:
            near = nearest(name, known) or f"; there are {', '.join(known)}"
            raise OptionError(f"there is no option :{name}:{near}")
    return {option.name: _value(option, given) for option in declared}


def _value(option: Option, given: Mapping[str, str | None]) -> Any:
    if option.name not in given:
        if option.required:
            raise OptionError(f":{option.name}: is needed: {option.takes}")
        return option.default
    text = (given[option.name] or "").strip()
    try:
        return option.read(text)
    except ValueError as error:
        raise OptionError(f":{option.name}: {error}") from error


def one_of(*words: str) -> Callable[[str], str]:
    """A reader that takes one of ``words``.

    Examples
    --------
    >>> one_of("left", "right")("lfet")
    Traceback (most recent call last):
    ValueError: takes left or right, not 'lfet'; did you mean left?
    """

    def read_word(text: str) -> str:
        if text not in words:
            taken = f"{', '.join(words[:-1])} or {words[-1]}"
            raise ValueError(f"takes {taken}, not {text!r}{nearest(text, words)}")
        return text

    return read_word


def _size(text: str) -> tuple[int, ...]:
    from convdocs import inputs

    return inputs.size(text)


def _cell(text: str) -> tuple[int, ...]:
    from convdocs import inputs

    return inputs.whole_numbers(text, ",", "0,1,2")


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"takes a whole number, not {text!r}")
    return int(text)


def _inputs(text: str) -> tuple[list[Any], dict[str, Any]]:
    from convdocs import inputs

    return inputs.arguments(text.split(";"))


def _kwargs(text: str) -> dict[str, Any]:
    from convdocs import inputs

    return inputs.keywords(text)


def _flag(text: str) -> bool:
    if text:
        raise ValueError(f"takes no value, not {text!r}")
    return True


def _words(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _classes(text: str) -> list[str]:
    from docutils.nodes import make_id

    return [make_id(word) for word in text.split()]


def _length(text: str) -> str:
    from docutils.parsers.rst import directives

    return str(directives.length_or_percentage_or_unitless(text, "px"))


SIZE = Option(
    "size", "input cells along each axis, as 7 or 4x5", "Size of the input.", _size, required=True
)
AT = Option(
    "at",
    "an index into the output, as 0,1,2",
    "The output cell that is lit; without it the picture chooses.",
    _cell,
)
VALUES = Option(
    "values",
    "whole, counting or random",
    "Small whole numbers, 0, 1, 2 and so on, or the weights that torch draws and a normal input.",
    one_of("whole", "counting", "random"),
    "whole",
)
NUMBERS = Option(
    "values",
    "whole, counting, random, edge, ramp, digit, photograph or notebook",
    "Small whole numbers, 0, 1, 2 and so on, the weights that torch draws and a normal input; an "
    "input that means something, with small whole weights; or the notebook's input and weights.",
    one_of("whole", "counting", "random", "edge", "ramp", "digit", "photograph", "notebook"),
    "whole",
)
FILTER = Option(
    "filter",
    "identity, blur, sharpen, upright, level, laplacian or learned",
    "Weights that mean something, instead of those of :values:.",
    one_of("identity", "blur", "sharpen", "upright", "level", "laplacian", "learned"),
)
CONTROLS = Option(
    "controls",
    "none, basic or all",
    "What the reader can change: nothing, sizes and numbers, or every setting.",
    one_of("none", "basic", "all"),
    "all",
)
BATCH = Option("batch", "a whole number", "Samples in the input; 0 for no batch axis.", _whole, 0)
ADDRESS = Option(
    "address",
    "nothing",
    "The page's address follows this explorer; for one on a page.",
    _flag,
    False,
)
SEED = Option("seed", "a whole number", "Seed of the numbers.", _whole, 0)
INPUT = Option(
    "input",
    "a shape, as 1,3,224,224 or 1x3x224x224; several with ; between; a dtype after :, as "
    "2,10:int64; a name before =, as mask=2,10",
    "The model's input. A body whose last line calls the model needs none.",
    _inputs,
)
KWARGS = Option(
    "kwargs",
    "a dict of literals, as {'width': 8}",
    "Arguments for a class or function that makes the model.",
    _kwargs,
)
COLUMNS = Option(
    "columns",
    "names with commas between, as layer, output, params",
    "The table's columns, in this order.",
    lambda text: [name.strip() for name in text.split(",")],
)
DEPTH = Option("depth", "a whole number", "How deep blocks of the model are opened.", _whole)
DEPENDS = Option(
    "depends",
    "files, with spaces between; from this page, or from the project's root after a /",
    "Files that the model reads: the page is read again when one of them changes.",
    str.split,
    [],
)
FINDINGS = Option(
    "findings",
    "show or hide",
    "Whether the mistakes that raise no error stand below the table.",
    one_of("show", "hide"),
    "show",
)
CLASSES = Option(
    "classes", "names with spaces between", "What the output's numbers stand for.", str.split
)
LABELS = Option("labels", "words with spaces between", "What the samples are.", str.split)
CALLS = Option(
    "calls",
    "indices or paths with spaces between",
    "The calls whose numbers the page holds; all without it.",
    lambda text: [int(word) if word.isdecimal() else word for word in text.split()],
)
BLOCKS = Option(
    "blocks",
    "a whole number",
    "Pixels along each side of a cell on the drawing pad.",
    _whole,
    1,
)
ANSWER = Option(
    "answer",
    "Python whose last line is the answer",
    "A number; a tuple, for a shape or a row of numbers; a dict of these with a label for each; "
    "one of the choices; True or False. torch, nn, F and convdocs are there.",
    _words,
    required=True,
)
CHOICES = Option(
    "choices",
    "texts with ; between",
    "What there is to choose from.",
    lambda text: [choice.strip() for choice in text.split(";")],
)
HINT = Option("hint", "a text", "What helps, folded, before the solution.", _words)
WITHIN = Option(
    "within",
    "a number",
    "How far off a number may be. Whole numbers have to be right; others within a hundredth.",
    float,
)
ALT = Option("alt", "text", "Words for who cannot see the picture; by default its own.", _words)
WIDTH = Option("width", "a length or a percentage", "Width of the picture.", _length)
ALIGN = Option(
    "align", "left, center or right", "Side it stands on.", one_of("left", "center", "right")
)
NAME = Option("name", "a label", "What :ref: and :numref: call it.", _words)
CLASS = Option("class", "names with spaces between", "CSS classes.", _classes, [])
