"""Reports of a training run: one HTML file that needs nothing else.

`page` makes the file out of sections, `charts` draws, `measures` computes; `binary` puts together
what belongs to a yes-or-no label. A use case of another kind names a function of its own.
"""
