"""The graph's nodes and routes, one file a node."""
