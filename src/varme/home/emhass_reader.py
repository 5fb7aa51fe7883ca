"""Reading an EMHASS configuration: values of the right type, and which keys were read, left behind or ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from varme.ground.errors import Collector


def watt(value: float) -> float:
    """Return kW of W, or kWh of Wh."""
    return round(value / 1e3, 6)


@dataclass(frozen=True)
class Left:
    """A key and what became of it."""

    key: str
    why: str

    def __str__(self) -> str:
        return f"{self.key}: {self.why}"


@dataclass
class Reader:
    """A configuration that knows which of its keys were read.

    Attributes:
        config: The configuration, under the names of now.
        defaults: What EMHASS takes where a key is missing.
        problems: Takes values that EMHASS would refuse.
        left: What is not carried over.
        assumed: What is assumed.
        ignored: What says nothing about the home.
        heat_loads: Loads that are heat pumps.
    """

    config: Mapping[str, Any]
    defaults: Mapping[str, Any]
    problems: Collector
    left: list[Left] = field(default_factory=list)
    assumed: list[Left] = field(default_factory=list)
    ignored: list[Left] = field(default_factory=list)
    heat_loads: set[int] = field(default_factory=set)
    read: set[str] = field(default_factory=set)

    @property
    def topology(self) -> dict[str, Any]:
        """The heat topology; empty for none."""
        found = self.take("heat_topology", None)
        return found if isinstance(found, dict) else {}

    def has(self, key: str) -> bool:
        """Return whether the configuration states a key."""
        return self.config.get(key) is not None

    def get(self, key: str) -> Any:
        """Return a value or its default without counting it as read."""
        return self.config.get(key, self.defaults.get(key))

    def take(self, key: str, default: Any) -> Any:
        """Return a value, its default in EMHASS, or the one given; the key counts as read."""
        self.read.add(key)
        value = self.config.get(key)
        return self.defaults.get(key, default) if value is None else value

    def wrong(self, key: str, what: str, value: Any) -> None:
        """Note a value that EMHASS would refuse."""
        if not any(p.where == key and what in str(p) for p in self.problems.problems):
            self.problems.add("P162", key, what, value=str(value)[:80])

    def leave(self, key: str, why: str, *, only_if_given: bool = False) -> None:
        """Note a key that is not carried over."""
        plain = key.split("[")[0].split(".")[0]
        self.read.add(plain)
        if not only_if_given or self.has(plain):
            self.left.append(Left(key, why))

    def assume(self, key: str, why: str) -> None:
        """Note something that is assumed."""
        self.assumed.append(Left(key, why))

    def ignore(self, key: str, why: str) -> None:
        """Note a key that says nothing about the home, if it is there and nothing has read it."""
        if key in self.config and key not in self.read:
            self.ignored.append(Left(key, why))
        self.read.add(key)

    def unread(self) -> list[str]:
        """Return the keys that nothing has read."""
        return [key for key in self.config if key not in self.read]

    # ------------------------------------------------------------------ types
    def number(self, key: str, low: float, high: float, default: float = 0.0) -> float:
        """Return a number within limits."""
        return self._number(key, self.take(key, default), low, high, default)

    def _number(self, key: str, value: Any, low: float, high: float, default: float) -> float:
        try:
            found = float(value)
        except (TypeError, ValueError):
            self.wrong(key, "is no number", value)
            return min(max(default, low), high)
        if not low <= found <= high:
            self.wrong(key, f"is outside {low:g} to {high:g}", value)
            return min(max(found if found == found else default, low), high)
        return found

    def first(self, key: str, low: float, high: float) -> float:
        """Return a number, or the first of a list of numbers."""
        value = self.take(key, 0.0)
        if isinstance(value, list):
            if not value:
                self.wrong(key, "is an empty list", value)
                return low
            value = value[0]
        return self._number(key, value, low, high, low)

    def mean(self, key: str, default: float) -> float:
        """Return a number, or the mean of a list (named as assumed)."""
        value = self.take(key, default)
        if isinstance(value, list):
            numbers = [self._number(key, v, -1e3, 1e3, default) for v in value]
            self.assume(key, "a series: its mean is taken")
            return sum(numbers) / len(numbers) if numbers else default
        return self._number(key, value, -1e3, 1e3, default)

    def least(self, key: str) -> float:
        """Return a power, or the least of a series of powers (named as left behind)."""
        value = self.take(key, 0.0)
        if isinstance(value, list):
            self.leave(key, "one limit for all hours: the least of the series is taken")
            value = min((self._number(key, v, 0, 1e8, 0.0) for v in value), default=0.0)
        return self._number(key, value, 1e-3, 1e8, 1.0)

    def flag(self, key: str) -> bool:
        """Return a switch."""
        value = self.take(key, False)
        if not isinstance(value, bool):
            self.wrong(key, "is neither true nor false", value)
        return bool(value)

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.take(key, "")
        if not isinstance(value, str):
            self.wrong(key, "is no text", value)
        return str(value)

    def many(self, key: str, default: Any) -> list[Any]:
        """Return a list; a single value is a list of one."""
        value = self.take(key, default)
        return value if isinstance(value, list) else [value]

    def items(self, key: str, count: int, default: Any) -> list[Any]:
        """Return a list of a value per load, filled up with a default."""
        value = self.take(key, [])
        if not isinstance(value, list):
            self.wrong(key, "is no list with a value per load", value)
            value = []
        return [*value[:count], *[default] * (count - len(value))]

    def at(self, key: str, number: int, default: Any) -> Any:
        """Return the value of one load or field."""
        value = self.take(key, [])
        if not isinstance(value, list):
            return default if value is None else value
        return value[number] if number < len(value) and value[number] is not None else default

    def periods(self, key: str) -> list[tuple[float, float]]:
        """Return periods of the day in hours; one over midnight is two."""
        found = self.take(key, {})
        out: list[tuple[float, float]] = []
        if not isinstance(found, Mapping):
            self.wrong(key, "is no list of periods by name", found)
            return out
        for name, entry in found.items():
            parts = {k: v for part in entry if isinstance(part, Mapping) for k, v in part.items()}
            hours = [_hour(parts.get(word)) for word in ("start", "end")]
            if hours[0] is None or hours[1] is None:
                self.wrong(f"{key}.{name}", "needs a start and an end as HH:MM", entry)
                continue
            start, end = hours[0], hours[1]
            if end > start:
                out.append((start, end))
            elif end < start:
                out += [(start, 24.0)] + ([(0.0, end)] if end > 0 else [])
        return out


def _hour(text: Any) -> float | None:
    """Return hours of HH:MM."""
    try:
        hour, minute = (int(part) for part in str(text).split(":")[:2])
    except ValueError:
        return None
    return round(hour + minute / 60, 4) if 0 <= hour <= 24 and 0 <= minute < 60 else None
