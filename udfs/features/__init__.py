"""Pure parts of features: specifications, folds over windows and their durable form."""
