"""The same work by other engines. What runs in their own environments imports nothing of the product."""
