"""The model in pictures: how well it ranks, how far its probabilities hold, what moves them.

May import matplotlib and of training `dataset` and `evaluation`. Nothing here decides anything.
"""
