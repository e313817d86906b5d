"""obs:// paths behind one small interface."""
