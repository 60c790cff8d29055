"""Typed readers of environment variables that fail loudly and name the variable.

Every setting may also be given as `NAME_FILE`, the path of a file that holds the value. Container platforms
and systemd hand over secrets this way.
"""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def read_optional(name: str) -> str | None:
    """Return the value of `name`, or the stripped content of the file that `name_FILE` names, or None."""
    value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise ImproperlyConfigured(f"set {name} or {name}_FILE, not both")
    if path is None:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}") from error


def read_str(name: str, default: str = "") -> str:
    value = read_optional(name)
    return default if value is None else value


def read_choice(name: str, choices: Sequence[str], default: str) -> str:
    """Read one of `choices`, in any case."""
    value = read_str(name, default)
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def read_bool(name: str, default: bool = False) -> bool:
    value = read_optional(name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def read_int(name: str, default: int, *, minimum: int = 0) -> int:
    value = read_optional(name)
    if value is None:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None
    if number < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {number}")
    return number


def read_list(name: str, default: str = "") -> list[str]:
    """Read comma-separated values. Surrounding blanks and empty items are dropped."""
    return [item.strip() for item in read_str(name, default).split(",") if item.strip()]


def read_networks(name: str) -> list[str]:
    """Read comma-separated addresses and networks, each in its canonical spelling.

    A server that listens on IPv6 sees an IPv4 peer as `::ffff:192.0.2.1`, so IPv4 ones are returned in that
    spelling, too.
    """
    networks: list[str] = []
    for item in read_list(name):
        try:
            network = ipaddress.ip_network(item)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} must be addresses or networks: {error}") from None
        networks.append(str(network))
        if isinstance(network, ipaddress.IPv4Network):
            networks.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return networks


def read_map(name: str) -> dict[str, str]:
    """Read comma-separated `key=value` pairs."""
    pairs = {}
    for item in read_list(name):
        key, separator, value = item.partition("=")
        if not separator or not key.strip() or not value.strip():
            raise ImproperlyConfigured(f"{name} must be key=value pairs, and {item!r} is none")
        pairs[key.strip()] = value.strip()
    return pairs


def read_prefixed(prefix: str) -> dict[str, str]:
    """Read all variables that begin with `prefix` and strip it. `_FILE` works as everywhere."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix)}
    return {name.removeprefix(prefix): read_str(name) for name in sorted(names)}
