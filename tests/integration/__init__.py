"""Tests that start a real Triton server."""
