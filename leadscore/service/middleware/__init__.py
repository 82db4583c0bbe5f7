"""What a request passes on its way in, and an answer on its way out: ASGI middleware, no routes."""
