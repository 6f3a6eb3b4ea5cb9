"""Pages of the zoo. A view parses, calls one verb, and renders."""
