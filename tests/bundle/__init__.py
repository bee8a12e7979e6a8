"""Tests of learnware.bundle."""
