"""The examples run and say what they promise."""
