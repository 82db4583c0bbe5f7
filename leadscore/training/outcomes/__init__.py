"""A model that is in use, on leads whose outcome is known by now, beside what its card promised."""
