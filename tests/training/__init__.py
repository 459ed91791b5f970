"""Tests of training; they mirror its modules."""
