"""The sandbox: what locks a forked kernel in before any student code runs."""
