"""What an author of units runs before a release: `new`, `check`, `build`, `bundle` and `site`."""
