"""Device nodes, permissions and the driver's services."""
