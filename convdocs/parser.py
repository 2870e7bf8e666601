"""What the command line takes: its commands, their options and examples, from commands.toml."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import convdocs
from convdocs.suggest import nearest
from convdocs.view.terminal import error_line

USAGE = 2
_DECLARED = tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))
_OPTIONS = _DECLARED["options"]
FORMATS = tuple(_OPTIONS["format"]["choices"])
SHELLS = tuple(_OPTIONS["shell"]["choices"])
LAYER_OPTIONS = tuple(name.replace("-", "_") for name in _DECLARED["layer"])


class Parser(argparse.ArgumentParser):
    """A parser whose refusals name the word that was meant."""

    commands: Mapping[str, argparse.ArgumentParser] = {}

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an unknown option is told with the nearest one of its command."""
        known, extra = self.parse_known_args(args, namespace)
        if extra:
            command = self.commands.get(getattr(known, "command", ""), self)
            options = [name for action in command._actions for name in action.option_strings]
            word = extra[0].partition("=")[0]
            alone = "" if word.startswith("-") else ": a value with spaces needs quotes"
            command.error(f"there is no {extra[0]}{nearest(word, options) or alone}")
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
    """The parser of the whole command line."""
    parser = Parser("convdocs", description=convdocs.__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"convdocs {convdocs.__version__}")
    parser.set_defaults(traceback=False)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parser.commands = subparsers.choices
    for name, command in _DECLARED["commands"].items():
        made = subparsers.add_parser(
            name,
            help=command["summary"],
            description=command["summary"],
            epilog="\n".join(["examples:", *(f"  {example}" for example in command["examples"])]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made._negative_number_matcher = re.compile(r"-\d")  # a value too, as is -1,3,8,8
        _add_option(made, "traceback")
        for option in command["takes"]:
            for one in _DECLARED["layer"] if option == "*layer" else [option]:
                _add_option(made, one)
    return parser


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:  # torch counts with 64 bits
        raise argparse.ArgumentTypeError(f"a whole number below 2^63, not {text!r}")
    return int(text)


def _add_option(parser: argparse.ArgumentParser, name: str) -> None:
    settings: dict[str, Any] = {"flags": [f"--{name}"], **_OPTIONS[name]}
    if "type" in settings:
        settings["type"] = {"int": int, "whole": _whole}[settings["type"]]
    parser.add_argument(*settings.pop("flags"), **settings)
