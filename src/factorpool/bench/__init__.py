"""Measuring strategies: run, save, draw and recommend are separate steps, joined by one JSON file."""
