"""SQL dialects, the embedded engine, the real engines behind one interface."""
