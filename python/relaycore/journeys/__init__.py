"""Journeys: how far attempts to view come on their way to a picture, counted by day and without persons."""
