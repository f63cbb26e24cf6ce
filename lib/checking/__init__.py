"""What a check does with a part, whichever unit it is from."""
