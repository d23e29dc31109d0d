"""The pool: how work is cut, fed to workers and put together again, the same for every strategy."""
