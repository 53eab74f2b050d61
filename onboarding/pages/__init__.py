"""The pages for people: view models (pure), templates, and thin handlers. Imported when a page is asked for."""
