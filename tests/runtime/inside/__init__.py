"""Tests of learnware.runtime.inside."""
