"""Files in, files out: readers of numbers and writers of factorizations."""
