"""What single columns give away: of the outcome, of the time they were filled in, of each other.

Needs neither a model nor the raw file, so a dictionary is drafted by it and a training warned by it.
"""
