"""The web console: serves the page that ``scripts/console.py`` builds from the folder ``console`` of the sources."""
