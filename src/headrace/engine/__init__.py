"""Claims instances, walks the graph, records what happened."""
