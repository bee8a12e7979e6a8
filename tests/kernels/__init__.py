"""Tests of learnware.kernels."""
