"""The requests that are sent, and the traces and the graph that come of them."""
