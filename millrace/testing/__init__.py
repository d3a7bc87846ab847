"""What packages with use cases of their own test them with: a pytest plugin of contract tests."""
