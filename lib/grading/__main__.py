"""`python -m lib.grading` is the command `zerolayer`, where the environment's scripts are not on the path."""

from lib.grading.app import main

main()
