"""`millrace init`: a project with a use case of its own, written from the files in `template/`."""
