"""How Sphinx makes the documentation: `make docs`, without the network."""

from importlib.metadata import version as version_of

project = "factorpool"
author = "The factorpool developers"
version = release = version_of("factorpool")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"factorpool {version}"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]  # links to files beside the pages; tests/test_docs.py follows all of them
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures are long enough
napoleon_use_rtype = False
default_role = "code"
