"""A CSV nobody has described yet -> a data dictionary with a reason and figures for every column.

In the order of the work: export, profile (with notations and wording), proposal, document, report.
"""
