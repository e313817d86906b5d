"""Real engines behind a bound connection, one module per family; each needs its driver."""
