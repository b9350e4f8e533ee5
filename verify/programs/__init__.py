"""What the proxies, the collector, Tempo and Prometheus say of themselves, and what it means."""
