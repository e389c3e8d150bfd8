"""Speeds and sizes, each measured beside a named peer or a floor in the same run: ``python -m bench``."""
