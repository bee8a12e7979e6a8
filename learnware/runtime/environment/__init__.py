"""The packages that a model needs: what it asks for, what this process has, and what is installed besides."""
