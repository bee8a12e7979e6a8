"""The tensor operators that a stored torch module may consist of.

Each computes new tensors from tensors and numbers. Out of reach are operators that read or write files, draw random
numbers, change their arguments, view memory by raw strides, or belong to other libraries than ATen.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from learnware.models.guards import guarded

_ELEMENTWISE = """
abs acos add addcdiv addcmul asin atan atan2 bitwise_and bitwise_not bitwise_or bitwise_xor ceil clamp clamp_max
clamp_min cos cosh div eq erf erfc exp exp2 expm1 floor floor_divide fmod ge gt isfinite isinf isnan le lerp log log10
log1p log2 logical_and logical_not logical_or logical_xor lt masked_fill maximum minimum mul nan_to_num ne neg pow
reciprocal remainder round rsqrt rsub sign sin sinh sqrt square sub tan tanh trunc where xlogy
"""
_ACTIVATIONS = """
alpha_dropout celu dropout elu feature_dropout gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_sigmoid
log_softmax logsumexp mish prelu relu relu6 rrelu selu sigmoid silu softmax softplus softshrink tanhshrink threshold
"""
_LINEAR = """
addbmm addmm addmv baddbmm bilinear bmm cdist conv1d conv2d conv3d conv_transpose1d conv_transpose2d cosine_similarity
dot einsum gru linalg_vector_norm linear lstm matmul mm mv norm outer rnn_relu rnn_tanh scaled_dot_product_attention
"""
_NORMS_AND_POOLS = """
_native_batch_norm_legit_no_training
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d avg_pool1d avg_pool2d batch_norm
group_norm instance_norm layer_norm max_pool1d max_pool2d rms_norm
"""
_REDUCTIONS = """
all amax amin any argmax argmin argsort cumprod cumsum max mean median min nanmean nansum prod sort std std_mean sum
topk var var_mean
"""
_SHAPES = """
alias cat chunk clone constant_pad_nd contiguous detach diagonal expand expand_as flatten flip movedim narrow pad
permute repeat repeat_interleave reshape roll select slice split split_with_sizes squeeze stack swapaxes t tile
transpose tril triu unbind unflatten unfold unsqueeze view view_as
"""
_INDEXING = """
bucketize embedding gather index index_put index_select one_hot scatter scatter_add select_scatter slice_scatter
"""
_CREATION = """
_to_copy arange copy eye fill full full_like lift_fresh_copy linspace new_full new_ones new_zeros ones ones_like
scalar_tensor to zeros zeros_like
"""
_SIZES = "sym_numel sym_size"

ATEN = frozenset(
    " ".join(
        (
            _ELEMENTWISE,
            _ACTIVATIONS,
            _LINEAR,
            _NORMS_AND_POOLS,
            _REDUCTIONS,
            _SHAPES,
            _INDEXING,
            _CREATION,
            _SIZES,
        )
    ).split()
)

#: Arithmetic on sizes, and taking one of several results.
PYTHON: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name) for name in ("add", "floordiv", "getitem", "mod", "mul", "neg", "sub")
}

_NAME = re.compile(r"aten\.([a-z0-9_]+)\.([A-Za-z0-9_]+)")


def find_operator(name: str) -> Callable[..., Any] | None:
    """Return the operator of a name such as ``"aten.linear.default"``, or None if it is not allowed."""
    import torch

    if name.startswith("operator."):
        return PYTHON.get(name.removeprefix("operator."))
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in ATEN:
        return None
    packet = getattr(torch.ops.aten, match[1], None)
    if packet is None or match[2] not in packet.overloads():
        return None
    found = getattr(packet, match[2])
    # Variants with an out argument, or that change one in place, are not computations of new values.
    return None if found._schema.is_mutable else guarded(match[1], found)
