"""Tests of the client's sub-packages."""
