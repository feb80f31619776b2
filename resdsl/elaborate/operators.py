"""The binary operators on compile-time values."""

from __future__ import annotations

from typing import Any

from resdsl.domain import Domain, Sets, compare, equal
from resdsl.elaborate.functions import MAX_LIST, Refuse, divisor, numbers
from resdsl.elaborate.values import Ratio, SizeValue, Value
from resdsl.sizes import Size

MAX_NUMBER = 10**15


class Undecided(Exception):
    """A comparison holds for some input sizes only."""


def operate(domain: Domain, operator: str, a: Value, b: Value) -> Value:
    """One binary operator on two values; raises `Refuse` or `Undecided`."""
    if operator in ("==", "!="):
        return _equal(domain, a, b) == (operator == "==")
    if operator == "+" and isinstance(a, tuple) and isinstance(b, tuple):
        return tuple(a) + tuple(b)
    if operator == "*" and isinstance(a, tuple) and type(b) is int and not isinstance(a, SizeValue):
        if len(a) * b > MAX_LIST:
            raise Refuse(f"would make a list of {len(a) * b:,} items, more than {MAX_LIST:,}")
        return tuple(a) * b
    numbers(a, b)
    a, b = whole(domain, a), whole(domain, b)
    if isinstance(a, Ratio) or isinstance(b, Ratio):
        raise Refuse("needs whole numbers; round the quotient with `ceil(...)`, `floor(...)` or `div(a, b)`")
    if isinstance(a, Size) or isinstance(b, Size):
        return _operate_sizes(domain, operator, a, b)
    return _operate_numbers(operator, a, b)


def _operate_numbers(operator: str, a: Any, b: Any) -> Value:
    match operator:
        case "+":
            result: Any = a + b
        case "-":
            result = a - b
        case "*":
            result = a * b
        case "/":
            exact = isinstance(a, int) and isinstance(b, int) and a % b == 0
            result = a // b if exact else a / b
        case "%":
            result = a % b
        case "**":
            if abs(b) > 64:
                raise Refuse("has an exponent larger than 64")
            result = a**b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:  # the one that is left
            return a >= b
    if isinstance(result, complex) or result != result:
        raise ZeroDivisionError
    if abs(result) > MAX_NUMBER:
        raise Refuse(f"gives more than {MAX_NUMBER:.0e}, the largest number")
    return result


def whole(domain: Domain, value: Value) -> Value:
    """A `Ratio` that is whole for every admitted size as the size it is."""
    if isinstance(value, Ratio) and domain.multiple(value.top, value.bottom):
        return value.top // value.bottom
    return value


def _equal(domain: Domain, a: Value, b: Value) -> bool:
    if isinstance(a, (Size, Ratio)) or isinstance(b, (Size, Ratio)):
        a, b = whole(domain, a), whole(domain, b)
        if a == b:
            return True
        if isinstance(a, (int, Size)) and isinstance(b, (int, Size)):
            return _decide(domain, equal(a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_equal(domain, x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b)


def _decide(domain: Domain, sets: Sets | None) -> bool:
    """Whether something holds, be it for every admitted input size or for none."""
    if domain.always(sets):
        return True
    if domain.never(sets):
        return False
    raise Undecided


def _operate_sizes(domain: Domain, operator: str, a: Any, b: Any) -> Value:
    if isinstance(a, float) or isinstance(b, float):
        given = a if isinstance(a, float) else b
        raise Refuse(f"needs an integer next to a size that varies, got {given:g}")
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return Ratio(a, divisor(b))
        case "%":
            return a % divisor(b)
        case "**":
            raise Refuse("needs numbers that do not vary with the input")
        case _:
            return _decide(domain, compare(operator, a, b))
