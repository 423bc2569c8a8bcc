"""Plain text to notation objects and back; LaTeX out of them."""
