"""The program that runs in a worker.

It runs on Python 3.8 and later with the standard library and numpy alone, since a worker may live in an environment
made for one model. Nothing of the rest of this package is imported, except to load models that the package itself has
stored. The parent uses its frames, arrays and tables too.
"""
