"""Tests of learnware.models."""
