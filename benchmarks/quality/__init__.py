"""How well models predict by the protocols of their fields, beside what is published."""
