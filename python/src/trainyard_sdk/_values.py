"""Turns what frameworks return into JSON: scalars of numpy and torch, arrays, paths, numbers that are not finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Optional, Union

Number = Union[int, float, str]


def metric(value: Any) -> Optional[Number]:
    """The number that a value is. None: it is none, or has several."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return finite(float(value))
    if value is None or isinstance(value, (str, bytes)):
        return None
    for name in ("item", "numpy", "__float__"):
        read = getattr(value, name, None)
        if callable(read):
            try:
                inner = read()
            except Exception:  # an array with several values, or a type of another framework
                continue
            if inner is not value and isinstance(inner, (bool, int, float)):
                return metric(inner)
            if hasattr(inner, "item") and inner is not value:
                return metric(inner)
    return None


def finite(value: float) -> Union[float, str]:
    """JSON has no number for these."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def flatten(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"val": {"loss": 1}}` becomes `{"val/loss": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}/"))
        else:
            flat[name] = value
    return flat


def plain(value: Any) -> Any:
    """A value as JSON can carry it."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return finite(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    to_list = getattr(value, "tolist", None)
    if callable(to_list):
        return plain(to_list())
    number = metric(value)
    return str(value) if number is None else number
