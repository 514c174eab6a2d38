"""Technology behind the ports. Sibling adapters do not know each other."""
