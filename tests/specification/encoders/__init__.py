"""Texts and images to points."""
