"""Tests of learnware, laid out as the package is."""
