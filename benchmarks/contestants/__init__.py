"""Those who do the work that is measured: one a file, each in processes of its own."""
