"""Tests of learnware.server."""
