"""Tests of learnware.server.accounts, of its commands, and of the file it is kept in."""
