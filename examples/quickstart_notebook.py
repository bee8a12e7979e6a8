# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reuse other people's models
#
# A *learnware* is a trained model plus a specification of what it is for. Developers submit learnwares to a market
# without showing their data. A user describes their own task by a specification, built on their own machine; the
# market answers with the learnwares that fit; a reuser turns them into predictions.
#
# Here six clinics have each trained a model on their own patients. A seventh has patients, but hardly any diagnoses.

# %%
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learnware import Learnware, Market, Reuser, Specification

table = load_breast_cancer(as_frame=True)
rng = np.random.default_rng(0)
X, y = table.data, table.target.map({0: "malignant", 1: "benign"})

# %% [markdown]
# Patients differ from clinic to clinic: we order them by tumour size, shake the order a little, and cut it into seven
# parts. The fourth is ours.

# %%
order = np.argsort(X["mean radius"] + rng.normal(scale=3.0, size=len(X)))
parts = [rng.permutation(part) for part in np.array_split(order, 7)]
ours = parts.pop(3)
X_user, y_user = X.iloc[ours], y.iloc[ours]

# %% [markdown]
# ## Developers: pack and submit
#
# `Learnware.from_model` takes a fitted model and the rows it was trained on. Of the rows it keeps nothing but a
# *reduced kernel mean embedding*: a few weighted points, each standing for several rows, that together describe how
# the rows are distributed.

# %%
learnwares = []
for i, part in enumerate(parts):
    model = (
        RandomForestClassifier(50, random_state=i) if i % 2 else make_pipeline(StandardScaler(), LogisticRegression())
    )
    model.fit(X.iloc[part], y.iloc[part])
    learnware = Learnware.from_model(
        model,
        X.iloc[part],
        y.iloc[part],
        name=f"Tumours, clinic {i + 1}",
        task="classification",
        description="Benign or malignant, from measurements of cell nuclei",
        random_state=i,
    )
    learnwares.append(learnware)

learnwares[0]

# %% [markdown]
# `Market.open("folder")` keeps a market in a folder; without an argument it lives in memory. `submit` checks each
# learnware before it takes it in.

# %%
market = Market.open()
market.submit(learnwares, progress=False)
market

# %% [markdown]
# ## A user: search
#
# The specification is made here, and only the specification goes to the market.

# %%
specification = Specification.from_data(X_user, task="classification", random_state=0)
result = market.search(specification)
result

# %% [markdown]
# The *verdict* says whether the market has something for us at all. *Fit* is the share of our data's embedding that a
# learnware explains; the *mixture* is the weighting of several learnwares that together come closest to us.

# %%
axes = result.plot()

# %% [markdown]
# ## Reuse without labels

# %%
reuser = Reuser.auto(result, random_state=0).fit(X_user)
reuser.predict(X_user)[:8]

# %% [markdown]
# We do know the diagnoses in this data set, so we can look at how good that is, and compare with each clinic's model.

# %%
print(f"reused:         {reuser.score(X_user, y_user):.3f}")
for hit in result.hits:
    right = np.mean(hit.learnware.predict(X_user) == y_user)
    print(f"{hit.name}: {right:.3f}")

# %% [markdown]
# ## Reuse with a few labels
#
# With labels, ten of them here, `Reuser.auto` also tries what can be learnt from them, a model of our own included,
# and keeps to the choice without labels unless another is better by more than chance. All numbers are for rows
# without a label.

# %%
X_few, y_few, X_rest, y_rest = X_user[:10], y_user[:10], X_user[10:], y_user[10:]
reuser = Reuser.auto(result, random_state=0).fit(X_few, y_few, unlabelled=X_rest)
alone = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_few, y_few)
print(f"reused: {reuser.score(X_rest, y_rest):.3f}   trained alone: {alone.score(X_rest, y_rest):.3f}")
reuser.leaderboard_
