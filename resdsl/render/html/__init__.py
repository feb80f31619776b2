"""The page of a net: one HTML file to look into it, without a network or a renderer."""

from resdsl.render.html.tree import folding_note
from resdsl.render.html.write import Live, page, problems_page

__all__ = ["Live", "folding_note", "page", "problems_page"]
