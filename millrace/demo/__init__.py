"""`millrace demo`: a use case from raw records to model-scored predictions on this machine."""
