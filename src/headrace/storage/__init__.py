"""Tables, migrations and one module per aggregate."""
