"""Settings of the documentation: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import learnware

project = "learnware"
author = "the learnware developers"
project_copyright = "the learnware developers"
version = release = learnware.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates"]
myst_enable_extensions = ["amsmath", "deflist", "dollarmath"]
myst_heading_anchors = 3
default_role = "code"

autosummary_generate = True
autodoc_typehints = "none"
# scikit-learn gives these to every estimator, with links into its own manual.
autodoc_default_options = {"exclude-members": "get_metadata_routing, set_fit_request, set_score_request"}
templates_path = ["_templates"]
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

html_theme = "pydata_sphinx_theme"
html_title = "learnware"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False
html_copy_source = False
