"""Tests of learnware.runtime.worker."""
