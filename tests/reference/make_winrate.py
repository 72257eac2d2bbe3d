"""Makes winrate.json beside this file: length-controlled fits as scikit-learn gives them.

    python tests/reference/make_winrate.py

Needs numpy and scikit-learn 1.9. The settings are those of AlpacaEval 0.6.6's length_controlled_minimal:
each case stands twice, as class 1 with weight p and as class 0 with weight 1 - p; liblinear, L1, no
intercept, ten values of C, five group folds, seed 123.
"""

import json
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import make_scorer
from sklearn.model_selection import GroupKFold

warnings.filterwarnings("ignore")
sklearn.set_config(enable_metadata_routing=True)
SETTINGS = dict(penalty="l1", solver="liblinear", fit_intercept=False, random_state=123)


def neg_log_loss(y_true, y_pred, soft):
    q = np.clip(y_pred, 1e-15, 1 - 1e-15)
    return np.mean(soft * np.log(q) + (1 - soft) * np.log(1 - q))


def doubled(x, p):
    X = np.concatenate([x, x])
    y = np.repeat([1, 0], len(p))
    return X, y, np.concatenate([p, 1 - p])


def controlled(preference, excess):
    scale = np.std(excess, ddof=1)
    known = ~np.isnan(preference)
    x = np.stack([np.tanh(excess / scale), np.ones_like(excess)], 1)[known]
    p = preference[known]
    X, y, weight = doubled(x, p)
    scorer = make_scorer(neg_log_loss, response_method="predict_proba").set_score_request(soft=True)
    model = LogisticRegressionCV(Cs=10, cv=GroupKFold(5), scoring=scorer, **SETTINGS)
    model.set_fit_request(sample_weight=True)
    groups = np.tile(np.arange(len(p)), 2)
    model.fit(X, y, sample_weight=weight, groups=groups, soft=np.tile(p, 2))
    scores = model.scores_
    scores = np.asarray(list(scores.values())[0] if isinstance(scores, dict) else scores)
    optimum = LogisticRegression(C=model.C_[0], tol=1e-12, max_iter=10_000, **SETTINGS)
    optimum.set_fit_request(sample_weight=True)
    optimum.fit(X, y, sample_weight=weight)
    length, constant = model.coef_[0]
    return {
        "win_rate": p.mean() * 100,
        "standard_error": p.std(ddof=1) / np.sqrt(len(p)) * 100,
        "rate": 100 / (1 + np.exp(-constant)),
        "coefficients": [length, constant],
        "strength": model.C_[0],
        "losses": (-scores.reshape(5, 10).mean(0)).tolist(),
        "optimum": optimum.coef_[0].tolist(),
    }


def problems():
    rng = np.random.default_rng(20240406)
    kinds = [("soft", 150), ("hard", 90), ("lopsided", 120), ("few", 7), ("gaps", 60), ("nothing", 40)]
    for kind, n in kinds:
        excess = np.round(rng.normal(0.8 if kind == "lopsided" else 0.1, 1, n) * 700)
        logit = rng.normal(-0.4, 1.5, n) - 1.2 * np.tanh(excess / 700) - 2.5 * (kind == "lopsided")
        preference = np.round(1 / (1 + np.exp(-logit)), 6)
        if kind == "hard":
            preference = np.round(preference)
        if kind == "gaps":
            preference[rng.choice(n, 8, replace=False)] = np.nan
        if kind == "nothing":
            preference[:] = 0.5
        yield kind, preference, excess


if __name__ == "__main__":
    made = [
        {
            "name": name,
            "preference": [None if np.isnan(p) else p for p in preference.tolist()],
            "excess": excess.astype(int).tolist(),
            **controlled(preference, excess),
        }
        for name, preference, excess in problems()
    ]
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
    }
    path = Path(__file__).parent / "winrate.json"
    path.write_text(json.dumps({"versions": versions, "problems": made}) + "\n")
