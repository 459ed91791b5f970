"""Shared vocabulary of training, export and client: what a frame, a box and the model's contract are."""

__version__ = "0.1.0"
