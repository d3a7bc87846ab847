"""Programs of others against the model server and the client: `make foreign-clients`."""
