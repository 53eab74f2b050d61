"""Function apps that the Functions host loads in place of the product's, to measure a message alone."""
