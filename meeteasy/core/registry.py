"""Extension points: a folder per kind, a file per member, discovered automatically."""

import importlib
import pkgutil
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Generic, TypeVar

Member = TypeVar("Member")


class DuplicateMemberError(Exception):
    """Two members of one registry claim the same name."""


class Registry(Generic[Member]):
    """Members by name, filled by importing every module of a package once, at first use.

    A member registers itself when its module is imported, usually by a decorator or a base class that
    calls `add`. A name that is taken raises DuplicateMemberError; otherwise a copied file could silently
    replace its original.

    >>> providers: Registry[Provider] = Registry("notifications.channels.sms")
    >>> providers["twilio"]
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self._members: dict[str, Member] = {}
        self._discovered = False
        # Threads that ask while one of them imports the members wait; that thread itself may ask again.
        self._discovering = threading.RLock()
        self._is_discovering = False

    def add(self, name: str, member: Member) -> None:
        if name in self._members:
            raise DuplicateMemberError(
                f"{self.package}: {name!r} is taken by {self._members[name]!r}; {member!r} needs another name"
            )
        self._members[name] = member

    def __getitem__(self, name: str) -> Member:
        self._discover()
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(self._members)

    def get(self, name: str) -> Member | None:
        self._discover()
        return self._members.get(name)

    def items(self) -> list[tuple[str, Member]]:
        self._discover()
        return list(self._members.items())

    def values(self) -> list[Member]:
        self._discover()
        return list(self._members.values())

    def _discover(self) -> None:
        if self._discovered:
            return
        with self._discovering:
            if self._discovered or self._is_discovering:
                return  # loaded meanwhile, or asked by a member while it loads
            self._is_discovering = True
            try:
                for module in _modules_of(importlib.import_module(self.package)):
                    importlib.import_module(module)
                self._discovered = True
            finally:
                self._is_discovering = False


def _modules_of(package: ModuleType) -> list[str]:
    return sorted(
        f"{package.__name__}.{module.name}"
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    )
