"""`python -m bonafide` is the same as the `bonafide` command."""

from bonafide.cli import main

main()
