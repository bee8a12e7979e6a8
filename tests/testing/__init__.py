"""Tests of learnware.market."""
