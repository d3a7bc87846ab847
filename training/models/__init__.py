"""How models are made: modules with a function `fit`, which use cases name."""
