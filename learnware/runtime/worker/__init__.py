"""Worker processes, seen from the parent: starting one, talking to it, and ending it, whatever it does."""
