"""Everything about numbers: what counts as one, how it is factored, and the columns of what comes out."""
