"""Tests of `mot challenge`."""
