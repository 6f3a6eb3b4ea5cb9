"""Survival after breast cancer: GBSG2 of lifelines, 686 women with node-positive cancer, 275 of them held out.

A table of Cox coefficients as weights; a Weibull accelerated failure time model, a relative risk forest, and tumour size alone
as the weak one.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _writing

YEAR = 365.25
TIMES = [round(YEAR * years) for years in (1, 2, 3, 4, 5)]
HELD_OUT = 0.4
COVARIATES = ["age", "tumour_size_mm", "positive_nodes", "progesterone_receptor", "oestrogen_receptor"]
MANIFEST = {
    "slug": "breast-cancer-recurrence-gbsg2",
    "version": 1,
    "title": "Recurrence-free survival after breast cancer, GBSG2",
    "description": "After surgery for node-positive breast cancer, how soon will the cancer come back or the patient die? "
    "A risk is given at the time of randomisation from eight facts: age, menopause, size and grade of the tumour, positive "
    "nodes, both hormone receptors (fmol/mg) and hormone therapy. It is judged on women whom the models did not see.",
    "task": {
        "slug": "breast-cancer-survival",
        "title": "Survival after breast cancer",
        "question": "After surgery for node-positive breast cancer, how soon will the cancer come back or the patient "
        "die? Who is at high risk can be followed more closely or treated longer.",
        "specialty": "oncology",
        "modality": "clinical record",
        "anatomy": "breast",
    },
    "kind": "survival",
    "time_unit": "days",
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "concordance_index",
        "also": ["concordance_index_ipcw", "cumulative_dynamic_auc", "integrated_brier_score"],
        "parameters": {
            "concordance_index_ipcw": {"tau": TIMES[-1]},
            "cumulative_dynamic_auc": {"times": TIMES},
            "integrated_brier_score": {"times": TIMES},
        },
        "why": {
            "concordance_index": "Of two women, how often the one with the earlier recurrence or death was given the higher risk.",
            "concordance_index_ipcw": "The same up to five years, and less swayed by how many are censored.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "groups": ["menopause", "grade"],
    "source": {
        "name": "German Breast Cancer Study Group 2 (GBSG2), as lifelines ships it",
        "licence": "MIT (of lifelines)",
        "citation": "Schumacher M. et al. Randomized 2x2 trial evaluating hormonal treatment and the duration of chemotherapy "
        "in node-positive breast cancer patients. Journal of Clinical Oncology 12:2086-2093 (1994).",
        "url": "https://lifelines.readthedocs.io/en/latest/lifelines.datasets.html",
    },
    "traps": [
        "The event is recurrence or death, whichever came first: not death alone.",
        "56 % of the women are censored; a metric that ignores this favours short follow-up.",
        "One trial of 1984-1989, all with positive nodes: treatment has changed since.",
        "The data set is in many packages, so it is easy to have trained on the held-out women.",
    ],
}


@cache
def women():
    """A frame with an identity, time (days), event, and covariates, in the order of the source."""
    from lifelines.datasets import load_gbsg2

    raw = load_gbsg2()
    women = raw.assign(
        case=[f"g{row:04d}" for row in range(len(raw))],
        event=raw["cens"].astype(int),
        menopause=raw["menostat"].map({"Pre": "pre", "Post": "post"}),
        grade=raw["tgrade"].astype(str),
        hormone_therapy=(raw["horTh"] == "yes").astype(int),
        postmenopausal=(raw["menostat"] == "Post").astype(int),
        tumour_grade=raw["tgrade"].map({"I": 1, "II": 2, "III": 3}).astype(int),
    )
    names = {
        "tsize": "tumour_size_mm",
        "pnodes": "positive_nodes",
        "progrec": "progesterone_receptor",
        "estrec": "oestrogen_receptor",
    }
    return women.rename(columns=names)


@cache
def split():
    """(training, held out), drawn once and for all with equal shares of events."""
    from sklearn.model_selection import train_test_split

    everyone = women()
    train, test = train_test_split(everyone, test_size=HELD_OUT, random_state=0, stratify=everyone["event"])
    return train.sort_values("case"), test.sort_values("case")


def held_out() -> tuple[set, set]:
    train, test = split()
    return set(train["case"]), set(test["case"])


def package(folder: Path) -> None:
    test = split()[1]
    inputs = [*COVARIATES, "hormone_therapy", "postmenopausal", "tumour_grade"]
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    rows = test[["case", *inputs]].itertuples(index=False)
    _writing.table(folder / "inputs" / "women.csv", ["case_id", *inputs], rows)
    _writing.package(
        folder,
        MANIFEST,
        (
            {
                "case_id": row.case,
                "patient_id": row.case,
                "time": int(row.time),
                "event": row.event,
                "menopause": row.menopause,
                "grade": row.grade,
                "input": f"inputs/women.csv#{row.case}",
            }
            for row in test.itertuples()
        ),
    )


def features(frame):
    """Covariates as the models take them: skewed counts as logarithms, as Sauerbrei and Royston (1999) advise."""
    return frame[["hormone_therapy", "postmenopausal", "tumour_grade"]].assign(
        age=frame["age"] / 10,
        size=np.log(frame["tumour_size_mm"]),
        nodes=np.log(frame["positive_nodes"]),
        progesterone=np.log1p(frame["progesterone_receptor"]),
        oestrogen=np.log1p(frame["oestrogen_receptor"]),
    )


TERMS = {  # as the runner of linear models writes them; counts by their roots, as Sauerbrei and Royston (1999) advise
    "hormone_therapy": lambda frame: frame["hormone_therapy"],
    "postmenopausal": lambda frame: frame["postmenopausal"],
    "tumour_grade": lambda frame: frame["tumour_grade"],
    "age": lambda frame: frame["age"],
    "log(tumour_size_mm)": lambda frame: np.log(frame["tumour_size_mm"]),
    "log(positive_nodes)": lambda frame: np.log(frame["positive_nodes"]),
    "sqrt(progesterone_receptor)": lambda frame: np.sqrt(frame["progesterone_receptor"]),
    "sqrt(oestrogen_receptor)": lambda frame: np.sqrt(frame["oestrogen_receptor"]),
}


def cox(folder: Path) -> Path:
    """Coefficients and Breslow's baseline in config.json alone; risks are centred at the training means."""
    import pandas
    from lifelines import CoxPHFitter

    train, _ = split()
    x = pandas.DataFrame({term: make(train) for term, make in TERMS.items()})
    model = CoxPHFitter(penalizer=0.01).fit(_with_outcome(x, train), "time", "event")
    hazard = model.baseline_cumulative_hazard_.iloc[:, 0]
    survival = [float(np.exp(-hazard[hazard.index <= time].iloc[-1])) for time in TIMES]
    _writing.config(
        folder,
        {
            "framework": "linear",
            "link": "cox",
            "coefficients": {term: float(value) for term, value in model.params_.items()},
            "intercept": -float((x.mean() * model.params_).sum()),
            "baseline": {"times": TIMES, "survival": survival},
        },
    )
    _describe(folder, model)
    return folder


def _describe(folder: Path, model) -> None:
    front = {
        "license": "apache-2.0",
        "library_name": "kensa",
        "pipeline_tag": "tabular-regression",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "breast cancer", "survival", "Cox"],
        "datasets": ["gbsg2"],
    }
    rows = "".join(
        f"| `{term}` | {row['coef']:.3f} | {row['exp(coef)']:.2f} ({row['exp(coef) lower 95%']:.2f} to "
        f"{row['exp(coef) upper 95%']:.2f}) |\n"
        for term, row in model.summary.iterrows()
    )
    train = split()[0]
    sections = {
        "What it is": "A Cox model of eight terms: coefficients and Breslow's baseline survival at one to five years in `config.json`. "
        "Input: the columns of the benchmark's `women.csv`. Output: a risk, larger is worse, and survival probabilities.",
        "Coefficients": f"Per unit of each term, on the training part.\n\n| term | coefficient | hazard ratio (95 %) |\n|---|---|---|\n{rows}",
        "Intended use": "To show how a table of coefficients is published, run and measured. Research use only.",
        "Training data": f"{len(train)} women of {MANIFEST['source']['name']}, {int(train['event'].sum())} with recurrence or death; none "
        f"of the held-out women of `{MANIFEST['slug']}`. {MANIFEST['source']['citation']}",
    }
    _writing.card(
        folder, front, "Recurrence-free survival after breast cancer, a Cox model", sections,
        population="Women after surgery for node-positive breast cancer, German trial of 1984 to 1989",
        acquisition={"receptors": "fmol/mg", "tumour size": "mm"},
        training_data=[{"name": "GBSG2", "size": f"{len(train)} women", "licence": "MIT (of lifelines)", "supervision": "full"}],
    )  # fmt: skip


def weibull(folder: Path) -> Path:
    from lifelines import WeibullAFTFitter

    train, test = split()
    model = WeibullAFTFitter(penalizer=0.01).fit(_with_outcome(features(train), train), "time", "event")
    x = features(test)
    return _write(folder, test, -np.log(model.predict_median(x)), model.predict_survival_function(x, TIMES).T)


def forest(folder: Path) -> Path:
    """Trees on the full likelihood of proportional hazards, which is Poisson's with the cumulative hazard as exposure
    (LeBlanc and Crowley, Biometrics 1992), averaged as a relative risk forest (Ishwaran et al., JASA 2004)."""
    from lifelines import NelsonAalenFitter
    from sklearn.ensemble import RandomForestRegressor

    train, test = split()
    hazard = NelsonAalenFitter().fit(train["time"], train["event"])
    exposure = np.maximum(hazard.cumulative_hazard_at_times(train["time"]).to_numpy(), 1e-3)
    trees = RandomForestRegressor(
        300, criterion="poisson", min_samples_leaf=15, max_features=0.4, random_state=0, n_jobs=1
    ).fit(features(train), train["event"] / exposure, sample_weight=exposure)
    risk = trees.predict(features(test))
    baseline = hazard.cumulative_hazard_at_times(TIMES).to_numpy()
    return _write(folder, test, np.log(risk), np.exp(-risk[:, None] * baseline))


def size_alone(folder: Path) -> Path:
    from lifelines import CoxPHFitter

    train, test = split()
    model = CoxPHFitter().fit(_with_outcome(features(train)[["size"]], train), "time", "event")
    x = features(test)[["size"]]
    return _write(folder, test, model.predict_log_partial_hazard(x), model.predict_survival_function(x, TIMES).T)


def _with_outcome(x, frame):
    return x.assign(time=frame["time"], event=frame["event"])


def _write(folder: Path, test, risk, survival) -> Path:
    rows = zip(test["case"], np.asarray(risk), np.asarray(survival), strict=True)
    columns = ["case_id", "risk", *(f"t={time}" for time in TIMES)]
    return _writing.table(folder / "risk.csv", columns, ([case, value, *curve] for case, value, curve in rows))


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Cox proportional hazards (coefficients)",
            "weights",
            cox,
            "Eight terms with Breslow's baseline; lifelines.",
            model="breast-cancer-recurrence-cox",
        ),
        Baseline("Weibull accelerated failure time", "predictions", weibull, "The same eight covariates; lifelines."),
        Baseline(
            "Relative risk forest",
            "predictions",
            forest,
            "300 Poisson trees with the Nelson-Aalen cumulative hazard as exposure; scikit-learn.",
        ),
        Baseline("Tumour size alone", "predictions", size_alone, "A Cox model of one covariate: the weak baseline."),
    ]


DEMO = Demo(slug=MANIFEST["slug"], package=package, entries=entries, held_out=held_out, seconds=10, short=True)
