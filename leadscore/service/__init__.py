"""The HTTP service: routes, what stands between them and the world, and the page.

Imports everything but training. What is worked out here is HTTP; leads are read and scored in scoring.
"""
