"""Pictures of a net: the views, and what they are put together from."""
