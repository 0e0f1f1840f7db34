"""The photo that a customer sends: a torn tent at dusk, drawn here so that no binary file is kept."""

import base64
import struct
import zlib

WIDTH, HEIGHT = 240, 150
PALETTE = bytes.fromhex("26324d 3b4a6b 5f6f92 8fa0bd e9b98a 2c3a33 45574a d9663b b84e2b 1a1d24 f6ead2".replace(" ", ""))
SKY, GRASS, BLADE, FLY, SHADE, TEAR, MOON = (0, 1, 2, 3, 4), 5, 6, 7, 8, 9, 10


def colour(x: int, y: int) -> int:
    """The palette's number for one pixel."""
    if (x - 196) ** 2 + (y - 26) ** 2 < 130:
        return MOON
    ridge = 96 - abs((x * 7) % 96 - 48) // 2 - abs((x * 3 + 40) % 150 - 75) // 4
    if 44 <= y < 122 and abs(x - 112) < (y - 44) * 0.95:
        if 68 < y < 108 and abs(x - 132 - y // 12 - abs(y % 14 - 7)) < 3:
            return TEAR
        return FLY if x < 112 + (y - 44) * 0.25 else SHADE
    if y > 112:
        return BLADE if (x * 13 + y * 7) % 11 == 0 else GRASS
    return SKY[1] if y > ridge else SKY[min(4, y // 22)]


def png() -> bytes:
    rows = b"".join(b"\0" + bytes(colour(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", PALETTE), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()
