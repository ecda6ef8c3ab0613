# SPDX-License-Identifier: MIT
# %% [markdown]
# # Optimization by prompting, in a notebook
#
# Editors and Jupytext open this file as a notebook: a cell begins at `# %%`. It is a program, too:
#
#     python3 notebook.py picture.png
#
# It takes the package `opro`; for tables pandas, for pictures matplotlib, where they are there. No
# language model is asked: the local optimizer proposes. `optimizer=opro.Model(...)` in its place is
# all that has to change.

# %%
import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import opro

try:
    from IPython.display import display
except ImportError:
    display = print

# %% [markdown]
# ## A function
#
# What comes out is shown as a table, here and wherever else a result, a trajectory, a candidate or
# a problem is the last line of a cell.


# %%
def valley(x):
    """Rosenbrock's: its valley is found soon, its lowest point (1, 1) is not."""
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


box = [(-5, 5), (-5, 5)]
result = opro.minimize(valley, box, steps=40, seed=1)
display(result)

# %%
display(result.trajectory)

# %% [markdown]
# ## Data
#
# Every candidate is a row, every step another one. `to_dict()` has the same for those without
# pandas.

# %%
try:
    display(result.trajectory.to_pandas()[["score", "step", "origin"]].describe())
    display(result.trajectory.to_pandas("steps")[["best", "mean", "best_so_far"]].tail(3))
except ImportError as error:
    print(error)

# %% [markdown]
# ## Scores from many workers
#
# `executor` is any of Python's executors, or one of Dask, loky, MPI. The order in which they
# answer does not matter: the trajectory is the same.

# %%
with ThreadPoolExecutor(4) as executor:
    again = opro.minimize(valley, box, steps=40, seed=1, executor=executor)
print("the same trajectory:", again.trajectory.hash == result.trajectory.hash)

# %% [markdown]
# ## Step by step
#
# A driver goes on as far as it is asked to. Its scorer gets a request, which can be pickled and
# answered elsewhere. Here every score is the mean of three measurements with noise.

# %%
noise = random.Random(1)
problem = opro.Problem.vector(box, "Find the lowest point.", instances=3, initial=[(4, 4)])
driver = opro.Driver(
    problem,
    scorer=lambda request: [valley(request.solution) + noise.random() for _ in range(3)],
    steps=30,
)
for step in driver:
    if step["step"] % 10 == 9:
        print(f"step {step['step']}: {step['best_so_far']:.3f} is the best so far")
best = driver.winner
low, high = driver.trajectory.interval(best)
print(f"{best.score:.2f}, with 95 % between {low:.2f} and {high:.2f}")

# %% [markdown]
# ## Tours
#
# The shortest way through 30 places, and how five runs came to the lowest point of the valley.

# %%
places = [(10 * noise.random(), 10 * noise.random()) for _ in range(30)]
tour = opro.Tour.points(places)
shortest = opro.minimize(None, opro.Problem.tour(tour), steps=100)
longer = tour.length(tour.nearest_neighbour()) / shortest.score - 1
print(f"always on to the nearest place would be {longer:.0%} longer")
assert math.isclose(shortest.score, tour.length(shortest.solution))


# %%
def draw(names):
    """Four pictures on one sheet, written to files."""
    from matplotlib import pyplot

    figure, ((left, right), (below, beside)) = pyplot.subplots(
        2, 2, figsize=(13, 9), layout="constrained"
    )
    runs = [opro.minimize(valley, box, steps=40, seed=seed) for seed in range(5)]
    opro.plot.convergence(runs, ax=left, log=True)
    opro.plot.tour(tour, shortest.solution, ax=right)
    opro.plot.convergence(driver, ax=below, log=True)
    opro.plot.accuracy(driver, ax=beside)
    for name in names:
        figure.savefig(name, dpi=80)
        print("written:", name)


# %%
try:
    draw([name for name in sys.argv[1:] if name.endswith((".pdf", ".png", ".svg"))])
except ImportError as error:
    print("no pictures:", error)
