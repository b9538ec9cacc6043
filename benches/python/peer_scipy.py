"""The k-d tree of scipy: Chamfer distance of two samples in the plane."""

import numpy as np
from scipy.spatial import KDTree

from common import arguments, report, seconds


def main():
    threads, _ = arguments()
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=(20_000, 2)), rng.normal(size=(20_000, 2))

    def chamfer():
        forth = KDTree(q).query(p, workers=threads)[0]
        back = KDTree(p).query(q, workers=threads)[0]
        return (forth**2).mean() + (back**2).mean()

    report("scipy k-d tree", threads, {"chamfer 20000 x 20000, 2-D": seconds(chamfer, rounds=5)})


main()
