"""The interactive explorer: one script, one style sheet, and what embeds them."""
