"""The gallery shows what is drawn today."""

import importlib.util
import re
from pathlib import Path

from resdsl.render.pictures.draw import VIEWS

DOCS = Path(__file__).parents[2] / "docs"


def _gallery():
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_gallery_is_up_to_date() -> None:
    assert _gallery().main(["--check"]) == 0, "python docs/gallery.py"


def test_it_has_every_view_and_every_picture() -> None:
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    for view in VIEWS.keys() - {"stages"}:
        assert f"--view {view.removesuffix('NAME')}" in text
    for picture in re.findall(r'src="([^"]+)"', text):
        assert (DOCS / picture).exists(), picture
