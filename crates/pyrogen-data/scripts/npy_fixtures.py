"""Writes tests/fixtures/npy.json: files as NumPy writes them, with the arrays they hold.

Packages: numpy==2.4.6
Command, in the crate's folder: python scripts/npy_fixtures.py
"""

import io
import json

import numpy as np

base = np.array([[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]] * 2) * np.array([1, 3])[:, None, None]

cases = []


def add(name, array, version=None):
    out = io.BytesIO()
    if version is None:
        np.save(out, array)
    else:
        np.lib.format.write_array(out, array, version=version)
    cases.append({
        "name": name,
        "bytes": list(out.getvalue()),
        "shape": list(array.shape),
        "values": array.astype(np.float64).ravel(order="C").tolist(),
    })


for dtype in ["<f4", "<f8", "|u1", "<i4", "<i8", ">f4", ">f8", ">i4", ">i8"]:
    values = base if dtype[1] != "f" else base / 8 - 1
    add(dtype, values.astype(dtype))
add("fortran", np.asfortranarray(base.astype("<f8")))
add("fortran matrix", base[0].astype("<i4").T)
add("vector", np.arange(3, dtype="<f4"))
add("scalar", np.array(2.5))
add("empty", np.zeros((0, 3), "<f4"))
add("version 2", base.astype("<f4"), (2, 0))
add("version 3", base.astype("<f4"), (3, 0))

text = json.dumps({"tool": f"numpy {np.__version__}", "cases": cases})
with open("tests/fixtures/npy.json", "w") as f:
    f.write(text.replace('{"name"', '\n{"name"') + "\n")
