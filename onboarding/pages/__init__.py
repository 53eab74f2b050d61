"""The pages for people: view models (pure), templates, and thin handlers. Nothing here is imported before it is used."""
