"""Scorers of the reward server, one module each; server.yaml names those that the recipe wants, and only these load."""
