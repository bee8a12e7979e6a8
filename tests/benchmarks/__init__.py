"""Measurements: speed, memory and accuracy. They assert nothing about time."""
