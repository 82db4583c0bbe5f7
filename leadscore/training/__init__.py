"""What turns historical leads into a model: reading them, models, choices, checks, the card's contents.

May import leadscore's shared part (columns, card, scorer, settings, files) and the training libraries;
never scoring, tables or service. Nothing that serves imports it, and the image does not hold it.
"""
