"""How Sphinx turns the staged pages into the book; ``build.py`` stages them and calls Sphinx."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

project = "How a language model is trained"
html_title = project
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]
suppress_warnings = ["mystnb.unknown_mime_type"]

nb_execution_mode = "off"  # the stored outputs are the book; no kernel starts
nb_ipywidgets_js = {}  # widgets need a kernel, and their scripts would come from a CDN
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-svg.js"  # one file with its glyphs inside: it needs no network
copybutton_selector = "div.cell_input div.highlight pre, div.highlight-bash pre"

html_theme = "sphinx_book_theme"
html_theme_options = {
    "home_page_in_toc": True,
    "use_download_button": False,  # each notebook's page links to the notebook itself
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "navigation_with_keys": False,
    "footer_content_items": [],
    "navbar_persistent": [],  # the search field is in the sidebar already
}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_static_path = ["_static"]
html_extra_path = ["extra"]  # the notebooks to download
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def finish_cells(_: Sphinx, document: nodes.document) -> None:
    """Give a cell an address, and its figures the alt texts that MyST-NB leaves behind."""
    for cell in document.findall(nodes.container):
        staged = cell.get("cell_metadata", {}).get("book")
        if cell.get("nb_element") != "cell_code" or staged is None:
            continue
        cell["ids"].append(staged["id"])
        for image, alt in zip(cell.findall(nodes.image), staged["alts"], strict=True):
            image["alt"] = alt


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what this file adds to Sphinx."""
    app.connect("doctree-read", finish_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
