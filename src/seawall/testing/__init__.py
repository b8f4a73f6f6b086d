"""Published fakes and conformance suites."""
