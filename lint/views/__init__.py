"""What several rules look at, wherever the objects keep it: the mesh's configuration, Services, releases."""
