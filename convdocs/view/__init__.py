"""The rooms that make strings: for a terminal, a web page or a Markdown file."""
