"""Tests that compare engines with each other."""
