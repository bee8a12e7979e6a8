"""Tests of learnware.specification."""
