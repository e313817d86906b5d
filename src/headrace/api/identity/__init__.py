"""The small part of the identity service that clients ask for."""
