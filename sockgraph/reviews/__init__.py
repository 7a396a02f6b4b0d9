"""Review by people, before a lock and before a reversal: the ledger and what follows from it."""
