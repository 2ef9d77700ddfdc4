"""Where the engine keeps its entries: in memory, or in a SQL database."""
