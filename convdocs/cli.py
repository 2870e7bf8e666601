"""The command line: trace, diagnose, draw, solve and explore without writing Python."""

from __future__ import annotations

import argparse
import errno
import inspect
import io
import json
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import convdocs
from convdocs import uncaught
from convdocs.parser import LAYER_OPTIONS, USAGE, get_parser
from convdocs.report import document
from convdocs.suggest import nearest
from convdocs.view import tables, terminal
from convdocs.view.numbers import byte_count
from convdocs.view.shown import Sheet, Shown

if TYPE_CHECKING:
    from torch import Tensor, nn

FINE, PROBLEM, INTERRUPTED = 0, 1, 130
INTERRUPTION = "convdocs: interrupted"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status.

    0: fine. 1: the model has a problem, or there is no solution; standard output says why.
    2: wrong usage; standard error says what to write instead. 130: Ctrl-C.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:2] == ["run", "--"]:
        del given[1]
    if given[:1] == ["run"] and Path(*given[1:2]).is_file():
        return uncaught.run(given[1], given[2:])  # as Python would: with its own way to end
    # Python has None where who started it closed a stream
    sys.stdout = sys.stdout or cast("TextIO", _Closed())
    sys.stderr = sys.stderr or io.StringIO()
    with _interruptible():
        try:
            return _run(given)
        except KeyboardInterrupt:
            print(INTERRUPTION, file=sys.stderr)
            return INTERRUPTED


class _Closed(io.TextIOBase):
    """A standard output that is closed."""

    def write(self, text: str) -> int:
        """Refuse to print."""
        raise OSError(errno.EBADF, "standard output is closed")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the program at once while torch loads.

    Raised inside torch's initialisation in C++, a KeyboardInterrupt becomes an error of another
    kind, or a crash.
    """

    def end(number: int, frame: Any) -> None:
        torch = sys.modules.get("torch")
        if torch is not None and getattr(torch.__spec__, "_initializing", False):
            os.write(2, f"{INTERRUPTION}\n".encode())
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(argv: list[str]) -> int:
    parser = get_parser()
    if not argv:
        parser.print_help()
        return FINE
    args = parser.parse_args(argv)
    try:
        status = COMMANDS[args.command](args)
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads has enough; the interpreter's own flush at exit must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except (Exception, SystemExit) as error:
        if args.traceback:
            traceback.print_exc()
        print(terminal.error_line(_sentence(error)), file=sys.stderr)
        return USAGE
    return status


def _sentence(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"the model's code ended the program: SystemExit({error.code!r})"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    expected = isinstance(error, ValueError)  # every room's own errors are
    return str(error) if expected else f"{type(error).__name__}: {error}"


def trace(args: argparse.Namespace) -> int:
    """Print a model's trace, or up to where it fails and why."""
    columns = args.columns.split(",") if args.columns else None
    try:
        with _model(args) as (model, inputs, named):
            found = convdocs.trace(model, *inputs, **named)
    except convdocs.TraceError as error:
        records = [one for one in (error.trace, error.diagnosis) if one]
        return _show(args.format, records, records[-1].to_dict(), PROBLEM)
    return _show(args.format, [found], found.to_dict(), depth=args.depth, columns=columns)


def diagnose(args: argparse.Namespace) -> int:
    """Print why a model fails, if it does."""
    with _model(args) as (model, inputs, named):
        found = convdocs.diagnose(model, *inputs, **named)
    if found:
        return _show(args.format, [found], found.to_dict(), PROBLEM)
    fine = Sheet(tables.Paragraph("It runs: nothing to diagnose."))
    return _show(args.format, [fine], document(None, None))


def run(args: argparse.Namespace) -> int:
    """Say that there is no such script; one that is there never comes here."""
    raise ValueError(f"{args.script}: there is no such file")


def errors(args: argparse.Namespace) -> int:
    """Print an entry of the catalogue, all of them, or those that know a message."""
    from convdocs.errors import catalogue, examples

    asked = args.error
    by_code = {entry.code: entry for entry in catalogue.entries()}
    elsewhere = (one for one in catalogue.elsewhere() if asked and re.search(one["pattern"], asked))
    if not asked:
        return _show(args.format, [examples.listed()], list(by_code))
    if other := next(elsewhere, None):
        return _show(args.format, [Sheet(tables.Paragraph(other["words"]))], None)
    if entries := [by_code[asked]] if asked in by_code else examples.matching(asked):
        sheets = [examples.explained(one) for one in entries[:3]]
        return _show(args.format, sheets, [one.code for one in entries])
    near = nearest(asked, by_code) or "; convdocs errors lists all"
    raise ValueError(f"no entry has this code or knows this message{near}")


def memory(args: argparse.Namespace) -> int:
    """Print what a training step of a model keeps in memory."""
    settings = {"dtype": args.dtype, "batch": args.batch}
    settings["optimizer"] = None if args.optimizer == "none" else args.optimizer
    settings["fits"] = args.fits and byte_count(args.fits)
    with _model(args) as (model, inputs, named):
        found = convdocs.memory(model, *inputs, **settings, **named)
    return _show(args.format, [found], found.to_dict())


@contextmanager
def _model(args: argparse.Namespace) -> Iterator[tuple[nn.Module, list[Any], dict[str, Any]]]:
    """The model and its inputs; what its code prints goes to standard error."""
    from convdocs import inputs, loading

    kwargs = inputs.keywords(args.kwargs)
    for name, value in map(inputs.setting, args.set):
        if name in kwargs:
            raise ValueError(f"{name} is given twice")
        kwargs[name] = value
    by_place, by_name = inputs.arguments(args.input)
    with redirect_stdout(sys.stderr), loading.loaded(args.model, kwargs) as found:
        if not args.input:  # what is wrong with the model's name is said first
            raise ValueError("--input is needed: a shape, as 1,3,224,224")
        _check_inputs(found.model, by_place, by_name)
        yield found.model, by_place, by_name


def _check_inputs(model: nn.Module, by_place: list[Any], by_name: dict[str, Any]) -> None:
    """Refuse an input that the model's forward does not take, and a call without one it needs."""
    try:
        takes = inspect.signature(model.forward)
    except ValueError:  # a builtin without a signature
        return
    told = f"; it takes {', '.join(takes.parameters)}"
    for bind, remedy in (
        (takes.bind_partial, told),
        (takes.bind, "; give --input again, once for each"),
    ):
        try:
            bind(*by_place, **by_name)
        except TypeError as error:
            raise ValueError(f"{type(model).__name__}.forward: {error}{remedy}") from error


def _show(
    form: str, records: Sequence[Shown], data: Any, status: int = FINE, **options: Any
) -> int:
    """Print what a command found; its exit status."""
    match form:
        case "json":
            print(json.dumps(data, indent=2))
        case "markdown":
            print("\n\n".join(record.to_markdown(**options) for record in records))
        case "html":
            print("\n".join(record.to_html(**options) for record in records))
        case _:
            colour = terminal.has_colour(sys.stdout)
            print("\n\n".join(record.to_text(colour=colour, **options) for record in records))
    return status


def _layer(args: argparse.Namespace) -> tuple[nn.Module, Tensor, tuple[int, ...] | None]:
    """The layer that the options describe, with an input for it and the cell that is lit."""
    from convdocs import inputs, spec

    text = args.layer
    if not spec.is_layer(text):
        text = _layer_text(args)
    elif given := next((name for name in LAYER_OPTIONS if getattr(args, name)), None):
        option = f"--{given.replace('_', '-')}"
        raise ValueError(f"{text} has its arguments already: leave out {option}")
    layer, x = spec.worked(text, inputs.size(args.size), values=args.values, seed=args.seed)
    return layer, x, inputs.whole_numbers(args.at, "0,1,2") if args.at else None


def _layer_text(args: argparse.Namespace) -> str:
    from convdocs import inputs, spec

    kind = spec.kind(args.layer).__name__
    if args.kernel is None:
        raise ValueError(f"--kernel is needed: cells of {kind}'s window, as 3 or 3x2")
    channels = inputs.whole_numbers(args.channels or "1,1", "3,2")
    if len(channels) != 2:
        raise ValueError(f"--channels takes two numbers, as 3,2, not {args.channels}")
    if args.channels and not kind.startswith("Conv"):
        raise ValueError(f"{kind} is told no channels: leave out --channels")
    words = [str(channel) for channel in channels if kind.startswith("Conv")]
    for name in LAYER_OPTIONS[1:]:
        given = getattr(args, name)
        if given is None or given is False:
            continue
        value = given
        if isinstance(given, str) and (given == "x" or not given.isalpha()):  # no word as same
            value = inputs.size(given)
            value = value[0] if len(value) == 1 else value
        words.append(repr(value) if name == "kernel" else f"{name}={value!r}")
    return f"{kind}({', '.join(words)})"


def draw(args: argparse.Namespace) -> int:
    """Write a layer's picture, or say why torch refuses the layer's input."""
    from convdocs import draw as pictures

    suffix = Path(args.output).suffix.lower() if args.output != "-" else ".svg"
    if suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a picture is .svg, .png or .pdf, not {suffix or args.output}")
    if args.dark and suffix != ".svg":
        raise ValueError(f"--dark is for .svg, not {suffix}")
    layer, x, at = _layer(args)
    if refused := convdocs.diagnose(layer, x):
        return _show("text", [refused], None, PROBLEM)
    figure = pictures.layer(layer, x, at=at)
    if suffix != ".svg":
        figure.savefig(args.output)
        return FINE
    svg = pictures.svg(figure)
    return _write(args.output, pictures.dark(svg) if args.dark else svg)


def solve(args: argparse.Namespace) -> int:
    """Print the windows that take one size to another."""
    from convdocs.solving import NoWindowError

    names = ("kernel", "stride", "padding", "dilation", "transposed", "limit")
    asked = {name: getattr(args, name) for name in names}
    try:
        windows = convdocs.solve(args.start, args.end, **asked)
    except NoWindowError as none:
        print(none)
        return PROBLEM
    rows = tuple((window.arguments, window.formula(args.start)) for window in windows)
    columns = (tables.Column("settings", code=True), tables.Column("output size"))
    table = tables.Table(columns, rows, f"{args.start} cells to {args.end}")
    return _show("text", [Sheet(table)], None)


def explore(args: argparse.Namespace) -> int:
    """Write a page with the explorer of a layer, or of a model on its input."""
    from convdocs.explorer import embed, network

    if args.input:
        args.model = args.layer
        with _model(args) as (model, by_place, by_name):
            if by_name:
                raise ValueError(f"--input {next(iter(by_name))}=: explore takes inputs by place")
            page = network.network(model, by_place).to_page()
    elif args.size:
        layer, x, at = _layer(args)
        page = embed.explore(layer, x, at, controls=args.controls).to_page()
    else:
        raise ValueError("--size is needed for a layer, as 7 or 4x5; --input for a model")
    return _write(args.output, page)


def completion(args: argparse.Namespace) -> int:
    """Print a completion script."""
    script = Path(__file__).with_name("completions") / f"convdocs.{args.shell}"
    return _write("-", script.read_text(encoding="utf-8"), end="")


def _write(path: str, text: str, end: str = "\n") -> int:
    if path == "-":
        print(text, end=end)
    else:
        Path(path).write_text(text, encoding="utf-8")
    return FINE


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    command.__name__: command
    for command in (trace, diagnose, run, errors, memory, draw, solve, explore, completion)
}
