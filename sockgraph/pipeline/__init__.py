"""The only composition: from a case file to a folder of tables, a graph, a ledger and a report."""
