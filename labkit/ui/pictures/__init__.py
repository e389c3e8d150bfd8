"""Drawings: SVG with a text alternative, readable in light and dark pages, made of numbers and of nothing else."""
