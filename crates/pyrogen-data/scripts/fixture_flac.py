"""Writes tests/fixtures/stereo16.flac and mono24.flac with libsndfile, from formulas that the test repeats.

    pip install numpy==2.4.6 soundfile==0.14.0
    python fixture_flac.py
"""

from pathlib import Path

import numpy as np
import soundfile

folder = Path(__file__).parent.parent / "tests" / "fixtures"
i = np.arange(5000, dtype=np.int64)
left = i * i * 7 % 20_001 - 10_000
# Blocks of FLAC are predicted in several ways: noise, a tone, silence.
right = np.where(i < 2500, np.abs(i * 37 % 2000 - 1000) * 9, 0)
stereo = np.stack([left, right], axis=1).astype(np.int16)
soundfile.write(folder / "stereo16.flac", stereo, 8000, subtype="PCM_16")
# 24 bits in the upper part of 32.
mono = ((i * i * 5003 % 16_000_001 - 8_000_000) << 8).astype(np.int32)
soundfile.write(folder / "mono24.flac", mono, 44_100, subtype="PCM_24")
