"""Runs stored models, apart from the user's process where that is wise.

A `Runner` answers calls for one stored model. Models of plain data share one worker process; code runs in a sandbox, one
worker for each model. What a model may do is decided by its `Level`, never by what its file says of itself.
"""
