"""Kernel means of weighted points, in plain numpy.

A sample is described by the mean of a Gaussian kernel over its rows. This package has the kernel (`GaussianKernel`),
the distance between two such means (`mmd`), the few weighted points that stand for many rows (`fit_reduced_set`), the
quadratic programs that mix means (`minimize_on_simplex`), and vectors of fixed length that stand for a mean
(`RandomFeatures`). It knows nothing of specifications or markets.
"""

from learnware.kernels.bandwidth import median_squared_distance
from learnware.kernels.features import RandomFeatures
from learnware.kernels.gram import GaussianKernel, squared_distances
from learnware.kernels.mmd import inner_product, inner_products, mmd, squared_mmd
from learnware.kernels.reduced_set import ReducedSet, fit_reduced_set, herd
from learnware.kernels.simplex import minimize_nonnegative, minimize_on_simplex, solve_with_cvxpy

__all__ = [
    "GaussianKernel",
    "RandomFeatures",
    "ReducedSet",
    "fit_reduced_set",
    "herd",
    "inner_product",
    "inner_products",
    "median_squared_distance",
    "minimize_nonnegative",
    "minimize_on_simplex",
    "mmd",
    "solve_with_cvxpy",
    "squared_distances",
    "squared_mmd",
]
