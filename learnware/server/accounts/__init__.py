"""Who uses a dock and what they may do: users, tokens, one decision on every action, and the log of what was done."""
