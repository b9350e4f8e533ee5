"""How the cluster is reached: credentials, the API server, tunnels to pods, and how long each may take."""
