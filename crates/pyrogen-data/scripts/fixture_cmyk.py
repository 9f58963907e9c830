"""Writes tests/fixtures/cmyk.jpg: a JPEG of four inks, as printers' programs write them.

    pip install pillow==13.0.0
    python fixture_cmyk.py
"""

from pathlib import Path

from PIL import Image

# Cyan, magenta, yellow, black, of 16 by 16 pixels each, side by side; white below.
inks = [(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255)]
picture = Image.new("CMYK", (64, 32), (0, 0, 0, 0))
for i, ink in enumerate(inks):
    picture.paste(ink, (16 * i, 0, 16 * (i + 1), 16))
folder = Path(__file__).parent.parent / "tests" / "fixtures"
picture.save(folder / "cmyk.jpg", quality=95, subsampling=0)
