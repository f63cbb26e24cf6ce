"""The sandbox: confines a forked kernel before any student code runs in it."""
