"""The control API below ``/api/v1``: one subject a file, each with its types, handlers and routes."""
