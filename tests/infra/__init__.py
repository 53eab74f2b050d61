"""What goes to Azure, looked at by Azure's own tools where they are, and as they predicted it where they are not."""
