"""A picture of a page as a small PNG: 256 colours, which pages have hardly more of than what softens their letters."""

from __future__ import annotations

import base64
import struct
import zlib
from collections import Counter
from functools import partial
from itertools import count

from playwright.sync_api import Browser

COLOURS = 256
Colour = tuple[int, int, int]
_PIXELS = """async (png) => {
  const picture = await createImageBitmap(await (await fetch(png)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
  canvas.drawImage(picture, 0, 0);
  const pixels = canvas.getImageData(0, 0, picture.width, picture.height).data;
  let text = '';
  for (let at = 0; at < pixels.length; at += 32768) {
    text += String.fromCharCode(...pixels.subarray(at, at + 32768));
  }
  return [picture.width, picture.height, btoa(text)];
}"""


def smaller(browser: Browser, png: bytes) -> bytes:
    """The same picture in a palette of its own colours; what is not in it becomes the nearest that is."""
    page = browser.new_page()
    width, height, text = page.evaluate(_PIXELS, f"data:image/png;base64,{base64.b64encode(png).decode()}")
    page.close()
    data = base64.b64decode(text)
    pixels: list[Colour] = list(zip(data[0::4], data[1::4], data[2::4], strict=True))
    counted = [colour for colour, _ in Counter(pixels).most_common()]
    kept = next(palette for step in count() if len(palette := _apart(counted, step * step)) <= COLOURS)
    places = {colour: place for place, colour in enumerate(kept)}
    places |= {c: places[min(kept, key=partial(_distance, c))] for c in counted if c not in places}
    rows = (bytes(places[p] for p in pixels[y * width : (y + 1) * width]) for y in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(part for colour in kept for part in colour)),
            _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _apart(counted: list[Colour], least: int) -> list[Colour]:
    """The most frequent colours, without those that hardly differ from one of them: a rare one of its own stays."""
    kept: list[Colour] = []
    for colour in counted:
        if len(kept) <= COLOURS and all(_distance(colour, other) > least for other in kept):
            kept.append(colour)
    return kept


def _distance(one: Colour, other: Colour) -> int:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data and checksum (PNG specification, 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
