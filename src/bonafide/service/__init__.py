"""The HTTP service: uploads judged in confined worker processes, and the page for a browser."""
