"""Write the shells' completion scripts anew, from the parser: ``python tests/completions.py``."""

from pathlib import Path

import shtab

from convdocs import parser

FOLDER = Path(parser.__file__).with_name("completions")
OF_FILES = ("model", "output", "script")  # what names a file


def script(shell: str) -> str:
    """The script that lets ``shell`` complete the command line."""
    whole = parser.get_parser()
    for command in whole.commands.values():
        for action in command._actions:
            if action.dest in OF_FILES:
                action.complete = shtab.FILE
    return shtab.complete(whole, shell)


if __name__ == "__main__":
    for shell in parser.SHELLS:
        (FOLDER / f"convdocs.{shell}").write_text(script(shell) + "\n", encoding="utf-8")
