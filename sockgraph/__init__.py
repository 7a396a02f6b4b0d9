"""Two-sided evidence on links between wiki accounts, for people to review before any lock.

The modules follow the data: `case`, `sources`, `store`, `population`, `signals`, `evidence`,
`graph`, `cluster`, `review`, `report`. `run_case` in `pipeline` puts them together.
"""

__version__ = "0.1.0"
