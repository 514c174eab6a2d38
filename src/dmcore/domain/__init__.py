"""The product as it would be on paper: no I/O, no clock, no randomness, no technology."""
