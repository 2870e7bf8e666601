from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Fix:
    text: str
    code: str
    verified: bool


@dataclass(frozen=True)
class Diagnosis:
    code: str
    path: str
    message: str
    cause: str
    fixes: tuple = ()
    url: str = ""
    trace: Any = None
    call: Any = None
    error: str = ""

    def note(self):
        return import_module("convdocs.view.diagnosis").note(self)

    def __str__(self):
        return str(import_module("convdocs.view.diagnosis").text(self))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self):
        return str(import_module("convdocs.view.diagnosis").html(self))
