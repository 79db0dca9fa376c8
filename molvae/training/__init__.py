"""Changing weights: recipes, schedules and the loop."""
