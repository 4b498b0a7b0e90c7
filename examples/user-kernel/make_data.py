#!/usr/bin/env python3
"""Writes data/x.npy, data/y.npy and data/z.npy, the arrays of saxpy.yaml: numpy.save() would write the same files."""
import random
import struct


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def save(name, values, shape):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    with open(f"data/{name}.npy", "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}f", *values))


random.seed(1)
count = 7 * 143
x = [f32(random.uniform(-1, 1)) for _ in range(count)]
y = [f32(random.uniform(-1, 1)) for _ in range(count)]
save("x", x, (7, 143))
save("y", y, (7, 143))
save("z", [f32(2.5 * a + b) for a, b in zip(x, y)], (7, 143))
