"""Tests of learnware.runtime.environment."""
