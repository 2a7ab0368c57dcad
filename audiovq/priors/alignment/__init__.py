"""Which frames belong to which symbol: a network that is trained in minutes, and the search in what it says."""
