"""What changed between two lists: the leads of an earlier download beside those of today's file.

`earlier.py` reads the download, `comparison.py` compares, `moves.py` says what moved a lead,
`command.py` is the command.
"""
