"""The loss against the distance itself, and its gradient against automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest

from learnware.kernels import GaussianKernel, squared_mmd
from learnware.kernels.embedding_loss import DeviceLoss, EmbeddingLoss, make_loss, unpack

KERNELS = [GaussianKernel((0.3,)), GaussianKernel((0.05, 0.2, 0.8)), GaussianKernel((0.1, 0.25))]
LOSSES = [lambda kernel, X: EmbeddingLoss(kernel, X), lambda kernel, X: DeviceLoss(kernel, X, "cpu")]


def start(n: int = 500, d: int = 3, K: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)) + 5.0
    return X, np.concatenate([(X[:K] + 0.1).ravel(), rng.normal(size=K)])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("make", LOSSES)
def test_it_is_the_squared_distance_up_to_a_constant(kernel: GaussianKernel, make) -> None:
    X, parameters = start()
    share = np.full(len(X), 1 / len(X))
    Z, w = unpack(parameters, 3)
    constant = share @ kernel(X, X) @ share
    assert make(kernel, X)(parameters)[0] + constant == pytest.approx(squared_mmd(kernel, Z, w, X, share), abs=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("make", LOSSES)
def test_its_gradient_is_that_of_automatic_differentiation(kernel: GaussianKernel, make) -> None:
    torch = pytest.importorskip("torch")
    X, parameters = start()
    variable = torch.tensor(parameters, requires_grad=True)
    rows, Z, w = torch.tensor(X), variable[:21].reshape(7, 3), torch.softmax(variable[21:], dim=0)

    def k(A, B):
        D = (A[:, None, :] - B[None, :, :]).square().sum(dim=2)
        return sum(torch.exp(-gamma * D) for gamma in kernel.gammas) / len(kernel.gammas)

    (w @ k(Z, Z) @ w - 2.0 * w @ k(Z, rows).mean(dim=1)).backward()
    np.testing.assert_allclose(make(kernel, X)(parameters)[1], variable.grad.numpy(), rtol=1e-4, atol=1e-7)


def test_its_gradient_is_that_of_finite_differences() -> None:
    X, parameters = start(n=60, d=2, K=3)
    share = np.full(60, 1 / 60)

    def value(at: np.ndarray) -> float:
        return squared_mmd(KERNELS[1], *unpack(at, 2), X, share)

    gradient = EmbeddingLoss(KERNELS[1], X)(parameters)[1]
    for i, step in enumerate(1e-5 * np.eye(len(parameters))):
        assert gradient[i] == pytest.approx((value(parameters + step) - value(parameters - step)) / 2e-5, abs=1e-6)


def test_numpy_and_torch_agree_over_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.kernels.embedding_loss._DEVICE_BLOCK", 5000)
    X, parameters = start(n=20_000, d=5, K=20)
    (a, slope_a), (b, slope_b) = (make_loss(KERNELS[1], X, device)(parameters) for device in (None, "cpu"))
    assert a == pytest.approx(b, abs=1e-6)
    np.testing.assert_allclose(slope_a, slope_b, rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize("make", LOSSES)
def test_rows_are_left_alone(make) -> None:
    X, parameters = start()
    X.setflags(write=False)
    parameters.setflags(write=False)
    make(KERNELS[1], X)(parameters)
