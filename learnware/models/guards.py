"""Sizes and positions that some compiled operators take on trust.

torch's own layers always pass what fits together, so these operators do not look again; in a file that somebody has
changed they would read outside of their memory. Each guard looks first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, checked first if the operator of this name needs it."""
    check = _GUARDS.get(name)
    if check is None:
        return function

    def checked(*args: Any, **kwargs: Any) -> Any:
        check(*args)
        return function(*args, **kwargs)

    return checked


def _positions(tensor: Any, dim: int, index: Any, *_: Any) -> None:
    size = tensor.shape[dim] if tensor.ndim else 1
    _require(
        index.numel() == 0 or (int(index.min()) >= -size and int(index.max()) < size),
        "an index is out of range",
    )


def _batch_norm(rows: Any, weight: Any, bias: Any, mean: Any, variance: Any, *_: Any) -> None:
    sizes = {tuple(part.shape) for part in (weight, bias, mean, variance) if part is not None}
    _require(rows.ndim >= 2 and sizes <= {(rows.shape[1],)}, "a normalisation is for another number of channels")


def _attention(query: Any, key: Any, value: Any, mask: Any = None, *_: Any) -> None:
    fits = query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    masked = mask is None or tuple(mask.shape[-2:]) in {
        (rows, columns) for rows in (1, query.shape[-2]) for columns in (1, key.shape[-2])
    }
    _require(fits and masked, "queries, keys and values of an attention do not fit together")


def _recurrent(n_gates: int) -> Callable[..., None]:
    def check(rows: Any, state: Any, weights: Any, has_biases: bool, n_layers: int, *rest: Any) -> None:
        hidden = state[0] if isinstance(state, list | tuple) else state
        _, _, bidirectional, batch_first = rest
        directions = 2 if bidirectional else 1
        per_layer = 4 if has_biases else 2
        size, wide = hidden.shape[-1], n_gates * hidden.shape[-1]
        _require(
            rows.ndim == 3
            and len(weights) == n_layers * directions * per_layer
            and hidden.shape[:2] == (n_layers * directions, rows.shape[0 if batch_first else 1]),
            "the states or weights of a recurrent layer are too few",
        )
        for i, weight in enumerate(weights):
            layer, part = i // (per_layer * directions), i % per_layer
            taken = rows.shape[-1] if layer == 0 else size * directions
            expected = [(wide, taken), (wide, size), (wide,), (wide,)][part]
            _require(tuple(weight.shape) == expected, "the weights of a recurrent layer are of another size")

    return check


def _require(sound: bool, complaint: str) -> None:
    if not sound:
        raise IndexError(f"The stored torch module is damaged: {complaint}.")


_GUARDS: dict[str, Callable[..., None]] = {
    "_native_batch_norm_legit_no_training": _batch_norm,
    "gather": _positions,
    "gru": _recurrent(3),
    "lstm": _recurrent(4),
    "rnn_relu": _recurrent(1),
    "rnn_tanh": _recurrent(1),
    "scaled_dot_product_attention": _attention,
    "scatter": _positions,
    "scatter_add": _positions,
}
