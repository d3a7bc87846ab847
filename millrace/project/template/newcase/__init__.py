"""The use case newcase for Millrace."""
