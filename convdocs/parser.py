"""What the command line takes: its commands, their options and examples."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

import convdocs
from convdocs.suggest import nearest
from convdocs.view.terminal import error_line

USAGE = 2
FORMATS = ("text", "markdown", "json", "html")
SHELLS = ("bash", "zsh", "fish")
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
LAYER_OPTIONS = (
    "channels", "kernel", "stride", "padding", "dilation", "output_padding", "groups",
    "padding_mode", "ceil_mode",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """A parser whose refusals name the word that was meant."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown option is told with the nearest one of its command."""
        known, extra = self.parse_known_args(args, namespace)
        if extra:
            command = commands(self).get(getattr(known, "command", ""), self)
            options = [name for action in command._actions for name in action.option_strings]
            command.error(f"there is no {extra[0]}{nearest(extra[0].partition('=')[0], options)}")
        return known

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            words = list(map(str, action.choices))
            near = nearest(str(value), words) or f"; there are {', '.join(words)}"
            raise argparse.ArgumentError(action, f"there is no {value}{near}")

    def error(self, message: str) -> NoReturn:
        """Refuse in two lines: what is wrong, and where help is."""
        self.exit(USAGE, f"{error_line(message)}\n{self.prog} --help shows how it is used\n")


def get_parser() -> Parser:
    """The parser of the whole command line.

    Examples
    --------
    >>> get_parser().parse_args(["solve", "--from", "224", "--to", "56"]).start
    224
    """
    parser = Parser("convdocs", description=convdocs.__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"convdocs {convdocs.__version__}")
    parser.set_defaults(traceback=False)
    add = parser.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser
    trace = _model_command(
        add,
        "trace",
        "Show a model's layers with their shapes, parameters, MACs and receptive fields.",
        "convdocs trace torchvision.models:resnet18 --input 1,3,224,224",
        "convdocs trace net.py:Net --set width=8 --input 1,3,32,32 --format markdown",
        "convdocs trace 'Sequential(Conv1d(10, 16, 3), ReLU())' --input 2,10,7",
    )
    trace.add_argument("--depth", type=int, metavar="N", help="Levels of modules to open.")
    trace.add_argument("--columns", metavar="NAMES", help="Columns, as layer,output,params.")
    _model_command(
        add,
        "diagnose",
        "Say why a model fails on an input, and what to write instead.",
        "convdocs diagnose net.py:Net --input 1,32,32,3",
        "convdocs diagnose 'Conv1d(3, 2, 3)' --input 2,4,5",
    )
    _run_command(add)
    _errors_command(add)
    _memory_command(add)
    _draw_command(add)
    _solve_command(add)
    _explore_command(add)
    completion = _command(
        add,
        "completion",
        "Print a script that lets a shell complete this command.",
        'eval "$(convdocs completion bash)"',
        "convdocs completion fish > ~/.config/fish/completions/convdocs.fish",
    )
    completion.add_argument("shell", choices=SHELLS, help="The shell.")
    return parser


def _run_command(add: Any) -> None:
    made = _command(
        add,
        "run",
        "Run a script as Python does; an error of a model gets its diagnosis below.",
        "convdocs run train.py --epochs 3",
    )
    made.add_argument("script", help="The script, as train.py.")
    made.add_argument("arguments", nargs=argparse.REMAINDER, help="What the script is given.")


def _errors_command(add: Any) -> None:
    made = _command(
        add,
        "errors",
        "Explain an error of torch's, by its code or its pasted message; or list them all.",
        "convdocs errors",
        "convdocs errors channels-mismatch",
        "convdocs errors 'mat1 and mat2 shapes cannot be multiplied (4x256 and 400x120)'",
    )
    made.add_argument("error", nargs="?", help="A code, or a message. Default: list all.")
    made.add_argument("--format", choices=FORMATS, default="text", help="What to print.")


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the subcommands by name.

    Examples
    --------
    >>> list(commands(get_parser()))[:2]
    ['trace', 'diagnose']
    """
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _command(
    add: Callable[..., argparse.ArgumentParser],
    name: str,
    summary: str,
    *examples: str,
) -> argparse.ArgumentParser:
    made = add(
        name,
        help=summary,
        description=summary,
        epilog="\n".join(["examples:", *(f"  {example}" for example in examples)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--traceback", action="store_true", help="Show where an error came from.")
    return made


def _model_command(add: Any, name: str, summary: str, *examples: str) -> argparse.ArgumentParser:
    made = _command(add, name, summary, *examples)
    made.add_argument("model", help="module:name, file.py:name, or a layer as Conv1d(3, 2, 3).")
    _input_options(made)
    made.add_argument("--format", choices=FORMATS, default="text", help="What to print.")
    return made


def _input_options(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="SHAPE",
        help="Shape of an input, as 1,3,224,224, 1x3x8x8 or 2,10:int64; again for each further "
        "input. By name: mask=2,10, and batch.image=1,3,8,8 for an entry of a dict.",
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="An argument of the class or function, as width=8; again for each further one.",
    )
    made.add_argument(
        "--kwargs",
        default="{}",
        metavar="DICT",
        help='Arguments of the class or function together, as {"width": 8}.',
    )


def _memory_command(add: Any) -> None:
    made = _model_command(
        add,
        "memory",
        "Count the bytes that a training step of a model keeps.",
        "convdocs memory net.py:Net --input 8,3,224,224 --optimizer adam",
        "convdocs memory net.py:Net --input 1,3,224,224 --dtype bfloat16 --fits 8GB",
    )
    made.add_argument(
        "--optimizer",
        choices=("adam", "adamw", "sgd", "none"),
        default="adam",
        help="Whose state is counted; sgd is without momentum.",
    )
    made.add_argument("--dtype", metavar="DTYPE", help="Of all floating numbers, as bfloat16.")
    made.add_argument("--batch", type=int, metavar="N", help="Size of the inputs' first axis.")
    made.add_argument("--fits", metavar="BYTES", help="The largest batch that 8GB or 24GiB hold.")


def _layer_command(add: Any, name: str, summary: str, *examples: str) -> argparse.ArgumentParser:
    made = _command(add, name, summary, *examples)
    made.add_argument("layer", help="A kind, as conv2d, or a whole layer, as Conv2d(1, 1, 3).")
    made.add_argument("--size", required=name != "explore", help="Size of the input, as 7 or 4x5.")
    made.add_argument("--channels", metavar="IN,OUT", help="Channels of a convolution, as 3,2.")
    for option in ("kernel", "stride", "padding", "dilation", "output-padding"):
        made.add_argument(f"--{option}", metavar="N", help="One number, or one per axis as 3x2.")
    made.add_argument("--groups", metavar="N", help="Groups of channels.")
    made.add_argument("--padding-mode", choices=PADDING_MODES, help="What stands in the padding.")
    made.add_argument("--ceil-mode", action="store_true", help="Round the size up (pools).")
    made.add_argument("--at", metavar="INDEX", help="The output cell that is lit, as 0,1,2.")
    made.add_argument(
        "--values",
        choices=("whole", "counting", "random"),
        default="whole",
        help="Small whole numbers, 0, 1, 2 and so on, or what torch draws.",
    )
    made.add_argument("--seed", type=int, default=0, help="Seed of the numbers.")
    made.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="File to write; - for standard output."
    )
    return made


def _draw_command(add: Any) -> None:
    made = _layer_command(
        add,
        "draw",
        "Draw a layer at work, as SVG, PNG or PDF by the file's name; as SVG without one.",
        "convdocs draw conv2d --size 4x5 --kernel 3 --padding 1 -o out.svg",
        "convdocs draw 'ConvTranspose1d(1, 1, 3, stride=2)' --size 4 -o out.pdf",
    )
    made.add_argument("--dark", action="store_true", help="Colours for dark pages (SVG).")


def _explore_command(add: Any) -> None:
    made = _layer_command(
        add,
        "explore",
        "Write the interactive explorer of a layer or a network as a page that needs no other "
        "file.",
        "convdocs explore conv1d --size 7 --kernel 3 -o e.html",
        "convdocs explore net.py:Net --input 1,1,28,28 -o net.html",
    )
    _input_options(made)


def _solve_command(add: Any) -> None:
    made = _command(
        add,
        "solve",
        "List the settings that take one size to another.",
        "convdocs solve --from 224 --to 56",
        "convdocs solve --from 7 --to 14 --transposed --kernel 4",
    )
    made.add_argument(
        "--from", dest="start", type=int, required=True, metavar="N", help="Input cells."
    )
    made.add_argument(
        "--to", dest="end", type=int, required=True, metavar="N", help="Output cells."
    )
    for option in ("kernel", "stride", "padding", "dilation"):
        made.add_argument(f"--{option}", type=int, metavar="N", help="Only this value.")
    made.add_argument("--transposed", action="store_true", help="Transposed convolutions.")
    made.add_argument("--limit", type=int, default=10, metavar="N", help="How many to list.")
