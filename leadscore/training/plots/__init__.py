"""The model in pictures: how well it ranks, how far its probabilities hold, what moves them.

May import matplotlib and of training `dataset`, `slices` and `evaluation`. It decides nothing.
"""
