"""What the words mean: job, node, schedule, instance; no I/O."""
