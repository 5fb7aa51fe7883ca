"""Catalogues of products: read from files that the user names, and small tables of figures of our own."""
