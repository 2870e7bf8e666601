"""The catalogue as data: a file a page of the site."""
