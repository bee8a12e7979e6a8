"""What keeps code of strangers from everything else: bubblewrap, a filter of system calls, a user of its own."""
