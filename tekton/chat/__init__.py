"""The one chat interface. Wire formats arrive with the gateway."""
