"""Records that carry many reads, and tables of them, to the columns that JSON reads become."""
