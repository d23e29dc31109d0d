"""`strategy="auto"`: rules and a probe that choose where a task runs."""
