"""Tests of learnware.runtime.sandbox."""
