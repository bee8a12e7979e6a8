"""Tests of learnware.reuse."""
