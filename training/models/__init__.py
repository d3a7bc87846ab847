"""How the model of each use case is made: one module of its name with a function `fit`."""
