"""Evaluations and ends of SciPy's RK45 and DOP853 on problems of DETEST (Hull, Enright, Fellen and
Sedgwick, "Comparing numerical methods for ordinary differential equations", SIAM J. Numer. Anal. 9,
1972), over (0, 20) with rtol = atol.

    pip install scipy==1.17.1
    python scipy_detest.py > scipy_detest.json
"""

import json
from math import cos, hypot, sin, sqrt

import scipy
from scipy.integrate import solve_ivp


def two_bodies(t, y):
    cubed = hypot(y[0], y[1]) ** 3
    return [y[2], y[3], -y[0] / cubed, -y[1] / cubed]


def elliptic(e):
    return two_bodies, [1 - e, 0.0, 0.0, sqrt((1 + e) / (1 - e))]


def torus(t, y):
    r = sqrt(y[0] * y[0] + y[1] * y[1])
    return [-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r]


PROBLEMS = {
    "A3": (lambda t, y: [y[0] * cos(t)], [1.0]),
    "A5": (lambda t, y: [(y[0] - t) / (y[0] + t)], [4.0]),
    "B1": (lambda t, y: [2 * (y[0] - y[0] * y[1]), -(y[1] - y[0] * y[1])], [1.0, 3.0]),
    "B4": (torus, [3.0, 0.0, 0.0]),
    "B5": (lambda t, y: [y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]], [0.0, 1.0, 1.0]),
    "D1": elliptic(0.1),
    "D3": elliptic(0.5),
    "D5": elliptic(0.9),
    "E2": (lambda t, y: [y[1], (1 - y[0] * y[0]) * y[1] - y[0]], [2.0, 0.0]),
    "E3": (lambda t, y: [y[1], y[0] ** 3 / 6 - y[0] + 2 * sin(2.78535 * t)], [0.0, 0.0]),
}

runs = []
for method in ["RK45", "DOP853"]:
    for name, (field, start) in PROBLEMS.items():
        for digits in range(3, 11):
            tolerance = 10.0**-digits
            solution = solve_ivp(
                field, (0.0, 20.0), start, method=method, rtol=tolerance, atol=tolerance
            )
            assert solution.success, (name, method, tolerance, solution.message)
            runs.append(
                {
                    "method": method,
                    "problem": name,
                    "tolerance": tolerance,
                    "nfe": solution.nfev,
                    "accepted": len(solution.t) - 1,
                    "final": solution.y[:, -1].tolist(),
                }
            )
rows = ",\n".join(json.dumps(run) for run in runs)
source = json.dumps({"project": "scipy", "version": scipy.__version__})
print(f'{{"source": {source}, "runs": [\n{rows}\n]}}')
