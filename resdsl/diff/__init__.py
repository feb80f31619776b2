"""What differs between two nets: their layers, their counts, and which weights of one the other takes."""
