"""The mixing of keys into hashes.

A key's high digits are the plate's first characters, so neighbouring plates have neighbouring
keys; the finaliser of MurmurHash3 (Austin Appleby, public domain) spreads them over 64 bits.
"""

import numpy as np

from anpr_engine.kernels._jit import Word, helper


@helper
def mix64(key: Word) -> Word:
    """Spread a 64-bit key over all 64 bits; a bijection, so different keys stay different."""
    mixed: Word = np.uint64(key)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed
