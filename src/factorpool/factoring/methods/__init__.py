"""How a number is factored: one file a method."""
