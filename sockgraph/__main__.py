"""`python -m sockgraph`: the command line."""

from sockgraph.cli import main

main()
