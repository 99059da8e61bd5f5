"""What the stories need: programs, addresses, sound, and the waiting for them."""
