"""Base class and registry of the converters."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from django.conf import settings

from conversion.inspecting.detecting import Inspection
from conversion.problems import ConversionError, Problem
from conversion.sandbox.running import Program
from meeteasy.core.registry import Registry

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Extension and media type of the formats of pictures that we make.
PICTURE_TYPES = {"webp": ("webp", "image/webp"), "jpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}

CONVERTERS: Registry["Converter"] = Registry("conversion.converters")


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people may choose. Every field has bounds and a default."""


class Converter:
    """Base of the converters. Subclasses register an instance under `target`.

    target: what people ask for. accepts: kinds of files (inspecting/kinds.py). A file of another kind goes
        through a converter that makes one of these kinds first: a Word document becomes a PDF, then pictures.
    makes: the kind of the result, if another converter can go on with it.
    program: the module of conversion/programs that does the work in the sandbox.
    version: raise it when the same file would give another result, so that no old result is taken for it.
    libraries: installed packages whose version decides on the result, too.
    example: parameters for tests and documentation.
    """

    target: ClassVar[str]
    label: ClassVar["StrOrPromise"]
    accepts: ClassVar[frozenset[str]]
    makes: ClassVar[str] = ""
    program: ClassVar[str]
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[type[Parameters]] = Parameters
    example: ClassVar[dict[str, Any]] = {}

    def output_type(self, parameters: Any) -> tuple[str, str]:
        """Return the result's extension and media type."""
        raise NotImplementedError

    def arguments(self, parameters: Any, inspection: Inspection) -> dict[str, Any]:
        """Return what the program is told."""
        return dict(msgspec.to_builtins(parameters))

    def check(self) -> None:
        """Raise ConversionError if this machine lacks something."""

    def full_version(self) -> str:
        """Return a text that changes when results may change."""
        return " ".join([str(self.version), *(f"{name} {version(name)}" for name in self.libraries)])

    def prepare(self, parameters: Any, inspection: Inspection) -> Program:
        """Return the run of the program on a file. Raises ConversionError."""
        self.check()
        return Program(
            name=self.program,
            kind=inspection.kind,
            arguments=self.arguments(parameters, inspection),
            seconds=settings.CONVERT_TIMEOUT_SECONDS,
            memory_bytes=settings.CONVERT_MEMORY_BYTES,
            output_bytes=settings.CONVERT_MAX_OUTPUT_BYTES,
            extra=self.folders(),
        )

    def folders(self) -> tuple[str, ...]:
        """Return folders outside /usr that the program must see."""
        return ()


def register(converter: type[Converter]) -> type[Converter]:
    """Register a converter; a class decorator."""
    CONVERTERS.add(converter.target, converter())
    return converter


def find_chain(kind: str, target: str) -> list[Converter]:
    """Return the converters that make `target` of a file of this kind, one or two. Raises ConversionError."""
    last = CONVERTERS.get(target)
    if last is not None:
        if kind in last.accepts:
            return [last]
        for first in CONVERTERS.values():
            if kind in first.accepts and first.makes in last.accepts:
                return [first, last]
    raise ConversionError(Problem.UNSUPPORTED_TYPE, found=kind, target=target)


def read_parameters(target: str, given: dict[str, Any]) -> Any:
    """Return a target's parameters. Raises msgspec.ValidationError, whose text names the bad one."""
    return msgspec.convert(given, CONVERTERS[target].parameters, strict=False)
