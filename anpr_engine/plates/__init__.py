"""What a plate is: from raw text to canonical text and key."""
