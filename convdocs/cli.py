"""The command line: trace, diagnose, draw, solve and explore without writing Python."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import convdocs
from convdocs.completion import script
from convdocs.parser import get_parser
from convdocs.report import document
from convdocs.view import tables, terminal
from convdocs.view.page import escape_html
from convdocs.view.shown import Sheet, Shown

if TYPE_CHECKING:
    from torch import Tensor, nn

FINE, PROBLEM, USAGE = 0, 1, 2
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ max-width: 80rem; margin: 0 auto; padding: 1rem; font-family: sans-serif; }}</style>
</head>
<body>
<h1>{title}</h1>
{part}
</body>
</html>"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status.

    0: fine. 1: the model has a problem, or there is no solution; told on standard output.
    2: wrong usage, told on standard error.

    Examples
    --------
    >>> main(["solve", "--from", "7", "--to", "5", "--kernel", "3", "--limit", "1"])
    7 cells to 5
    settings       output size
    ─────────────  ─────────────────────────────────────────
    kernel_size=3  ⌊(7 + 0 + 0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 5
    0
    """
    args = get_parser().parse_args(argv)
    try:
        status = COMMANDS[args.command](args)
        sys.stdout.flush()
    except BrokenPipeError:
        # who reads has enough; the interpreter's own flush at exit must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE
    except Exception as error:
        if args.traceback:
            traceback.print_exc()
        print(terminal.error_line(_said(error)), file=sys.stderr)
        return USAGE
    return status


def _said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    expected = isinstance(error, ValueError)  # every room's own errors are
    return str(error) if expected else f"{type(error).__name__}: {error}"


def trace(args: argparse.Namespace) -> int:
    """Print a model's trace, or up to where it fails and why."""
    columns = args.columns.split(",") if args.columns else None
    try:
        with _model(args) as (model, inputs):
            found = convdocs.trace(model, *inputs)
    except convdocs.TraceError as error:
        told = error.diagnosis or error.trace
        shown = [error.trace, error.diagnosis] if error.diagnosis else [error.trace]
        _show(args.format, shown, told.to_dict())
        return PROBLEM
    _show(args.format, [found], found.to_dict(), depth=args.depth, columns=columns)
    return FINE


def diagnose(args: argparse.Namespace) -> int:
    """Print why a model fails, if it does."""
    with _model(args) as (model, inputs):
        found = convdocs.diagnose(model, *inputs)
    if found is None:
        words = Sheet(tables.Paragraph("It runs: nothing to diagnose."))
        _show(args.format, [words], document(None, None))
        return FINE
    _show(args.format, [found], found.to_dict())
    return PROBLEM


@contextmanager
def _model(args: argparse.Namespace) -> Iterator[tuple[nn.Module, list[Any]]]:
    """The model and its inputs; what its code prints goes to standard error."""
    from convdocs import loading, spec

    if not args.input:
        raise spec.SpecError("--input is needed: a shape, as 1,3,224,224")
    inputs = [spec.tensor_input(text) for text in args.input]
    kwargs = spec.keywords(args.kwargs)
    with redirect_stdout(sys.stderr), loading.loaded(args.model, kwargs) as found:
        yield found.model, inputs


def _show(form: str, records: Sequence[Shown], data: Any, **options: Any) -> None:
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


def _layer(args: argparse.Namespace) -> tuple[nn.Module, Tensor]:
    """The layer that the options describe, with an input for it."""
    from convdocs import spec

    text = args.layer if spec.is_layer(args.layer) else _layer_text(args)
    return spec.worked(text, spec.size(args.size), values=args.values, seed=args.seed)


def _layer_text(args: argparse.Namespace) -> str:
    from convdocs import spec

    kind = spec.kind(args.layer).__name__
    if args.kernel is None:
        raise spec.SpecError(f"--kernel is needed: cells of {kind}'s window, as 3 or 3x2")
    words = [repr(_per_axis(args.kernel))]
    if kind.startswith("Conv"):
        words[:0] = map(str, spec.whole_numbers(args.channels, ",", "3,2"))
    for name in ("stride", "padding", "dilation", "output_padding", "groups", "padding_mode"):
        value = getattr(args, name)
        if value is not None:
            words.append(f"{name}={_per_axis(value)!r}")
    if args.ceil_mode:
        words.append("ceil_mode=True")
    return f"{kind}({', '.join(words)})"


def _per_axis(text: str) -> int | str | tuple[int, ...]:
    """A number, one per axis, or a word such as same."""
    from convdocs import spec

    if text.isalpha() and text != "x":
        return text
    numbers = spec.size(text)
    return numbers[0] if len(numbers) == 1 else numbers


def draw(args: argparse.Namespace) -> int:
    """Write a layer's picture."""
    from convdocs import draw as pictures

    figure = pictures.layer(*_layer(args), at=_cell(args))
    suffix = Path(args.output).suffix.lower() if args.output != "-" else ".svg"
    if suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a picture is .svg, .png or .pdf, not {suffix or args.output}")
    if suffix != ".svg":
        figure.savefig(args.output)
        return FINE
    svg = pictures.svg(figure)
    return _write(args.output, pictures.dark(svg) if args.dark else svg)


def solve(args: argparse.Namespace) -> int:
    """Print the windows that take one size to another."""
    from convdocs.solving import NoWindowError

    asked = {name: getattr(args, name) for name in ("kernel", "stride", "padding", "dilation")}
    try:
        windows = convdocs.solve(
            args.start, args.end, transposed=args.transposed, limit=args.limit, **asked
        )
    except NoWindowError as none:
        print(none)
        return PROBLEM
    rows = tuple((window.arguments, window.formula(args.start)) for window in windows)
    columns = (tables.Column("settings", code=True), tables.Column("output size"))
    caption = f"{args.start} cells to {args.end}"
    _show("text", [Sheet(tables.Table(columns, rows, caption))], None)
    return FINE


def explore(args: argparse.Namespace) -> int:
    """Write a page with a layer's explorer."""
    from convdocs import layers
    from convdocs.explorer import embed

    layer, x = _layer(args)
    explorer = embed.explore(layer, x, at=_cell(args))
    title = escape_html(layers.code(layer))
    return _write(args.output, PAGE.format(title=title, part=explorer._repr_html_()))


def _cell(args: argparse.Namespace) -> tuple[int, ...] | None:
    from convdocs import spec

    return spec.whole_numbers(args.at, ",", "0,1,2") if args.at else None


def _write(path: str, text: str) -> int:
    if path == "-":
        print(text)
    else:
        Path(path).write_text(text, encoding="utf-8")
    return FINE


def completion(args: argparse.Namespace) -> int:
    """Print a completion script."""
    print(script(get_parser(), args.shell), end="")
    return FINE


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "trace": trace,
    "diagnose": diagnose,
    "draw": draw,
    "solve": solve,
    "explore": explore,
    "completion": completion,
}
