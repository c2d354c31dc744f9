"""Pictures of pages for the documents: PNG with a palette of at most 256 colours, which is a third of what a browser writes."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from pathlib import Path
from struct import pack

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
BYTES_MAX = 200_000
WIDTH, HEIGHT = 1300, 1000
PHONE = (360, 780)

_COUNTED = """
async (source) => {
  const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + source)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height), drawn = canvas.getContext("2d");
  drawn.drawImage(picture, 0, 0);
  const bytes = drawn.getImageData(0, 0, picture.width, picture.height).data;
  const colours = new Uint32Array(picture.width * picture.height), counts = new Map();
  for (let at = 0; at < colours.length; at++) {
    const colour = (bytes[4 * at] << 16) | (bytes[4 * at + 1] << 8) | bytes[4 * at + 2];
    colours[at] = colour;
    counts.set(colour, (counts.get(colour) || 0) + 1);
  }
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map((pair) => pair[0]);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const far = (one, other) => [16, 8, 0].reduce((sum, by) => sum + (((one >> by) & 255) - ((other >> by) & 255)) ** 2, 0);
  const nearest = (colour) => {
    let found = 0;
    for (let place = 1; place < palette.length; place++) {
      if (far(colour, palette[place]) < far(colour, palette[found])) found = place;
    }
    return found;
  };
  let indexes = "";
  for (const colour of colours) {
    if (!places.has(colour)) places.set(colour, nearest(colour));
    indexes += String.fromCharCode(places.get(colour));
  }
  return [picture.width, picture.height, palette, btoa(indexes)];
}
"""


def write_picture(page: Page, name: str) -> None:
    """What the window shows now, as docs/pictures/console-<name>.png."""
    with_all_colours = page.screenshot(animations="disabled", caret="hide")
    blank = page.context.new_page()  # the policy of our own pages would not let this one through
    width, height, palette, indexes = blank.evaluate(_COUNTED, b64encode(with_all_colours).decode())
    blank.close()
    (FOLDER / f"console-{name}.png").write_bytes(png_of(width, height, palette, b64decode(indexes)))


def png_of(width: int, height: int, palette: list[int], indexes: bytes) -> bytes:
    """A PNG of colour type 3, one byte for each pixel, no filters: text compresses best so."""
    rows = b"".join(b"\0" + indexes[row * width : (row + 1) * width] for row in range(height))
    parts = (
        (b"IHDR", pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in palette)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
