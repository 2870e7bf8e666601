"""Scripts that let a shell complete the command line, made from its parser."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The completion script of ``parser`` for a shell.

    Examples
    --------
    >>> parser = argparse.ArgumentParser("tool")
    >>> _ = parser.add_subparsers().add_parser("run", help="Run it.").add_argument("--fast")
    >>> print(script(parser, "fish").splitlines()[0])
    complete -c tool -n __fish_use_subcommand -f -a run -d 'Run it.'
    """
    if shell == "fish":
        return _fish(parser)
    bash = _bash(parser)
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash}" if shell == "zsh" else bash


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the subcommands by name.

    Examples
    --------
    >>> commands(argparse.ArgumentParser("tool"))
    {}
    """
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """What may stand where no option waits for its value: options, and a position's choices."""
    words = [name for action in _options(parser) for name in action.option_strings]
    for action in parser._actions:
        if not action.option_strings and action.choices:
            words += map(str, action.choices)
    return words


def _bash(parser: argparse.ArgumentParser) -> str:
    tool = parser.prog
    choices = {
        "|".join(action.option_strings): " ".join(map(str, action.choices))
        for command in commands(parser).values()
        for action in _options(command)
        if action.choices
    }
    values = [f"    {names}) words='{words}' ;;" for names, words in choices.items()]
    cases = [
        f"      {name}) words='{' '.join(_words(command))}' ;;"
        for name, command in commands(parser).items()
    ]
    return "\n".join(
        [
            f"_{tool}() {{",
            '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words',
            '  case "$before" in',
            *values,
            '    *) case "${COMP_WORDS[1]}" in',
            *cases,
            f"      *) words='{' '.join(_words(parser))}' ;;",
            "    esac ;;",
            "  esac",
            '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
            "}",
            f"complete -o default -F _{tool} {tool}",  # default: files, where no word fits
            "",
        ]
    )


def _fish(parser: argparse.ArgumentParser) -> str:
    tool = parser.prog
    lines = []
    told = {
        choice.dest: choice.help or ""
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    for name, command in commands(parser).items():
        start = f"complete -c {tool} -n"
        lines.append(f"{start} __fish_use_subcommand -f -a {name} -d {_quoted(told[name])}")
        for action in _options(command):
            flags = " ".join(
                f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                for flag in action.option_strings
            )
            value = "" if action.nargs == 0 else " -r"
            if action.choices:
                value = f" -x -a {_quoted(' '.join(map(str, action.choices)))}"
            seen = f"'__fish_seen_subcommand_from {name}'"
            lines.append(f"{start} {seen} {flags}{value} -d {_quoted(action.help or '')}")
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace("'", "\\'").replace("%%", "%")
    return f"'{safe}'"
