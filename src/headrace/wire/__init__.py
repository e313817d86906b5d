"""How the outside spells the documents: v1, v2, CDM."""
