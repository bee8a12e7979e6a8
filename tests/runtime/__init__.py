"""Tests of learnware.runtime."""
