"""Words of synthetic learnwares: a name such as "Sales, shop 12", a description, and tags."""

from __future__ import annotations

from learnware.specification import SemanticSpecification
from learnware.testing.synthetic_plan import Plan, Purpose

_LEAST_WORDS, _MOST_WORDS = 8, 14
_SHARE_OF_TWO_SCENARIOS = 0.25

#: What learnwares are about, by scenario.
TOPICS = {
    "Business": "Sales Orders Returns Customers Discounts Deliveries Complaints Stock",
    "Financial": "Loans Payments Savings Defaults Premiums Claims Invoices Rents",
    "Health": "Admissions Recoveries Dosages Screenings Allergies Sleep Heartbeats Births",
    "Politics": "Turnout Petitions Votes Budgets Taxes Permits",
    "Computer": "Crashes Latency Storage Tickets Logins Backups",
    "Internet": "Clicks Visits Subscriptions Searches Comments Downloads",
    "Traffic": "Delays Journeys Accidents Parking Tolls Congestion",
    "Nature": "Rainfall Rivers Birds Earthquakes Forests Tides Ozone Pollen",
    "Fashion": "Sizes Fabrics Colours Shoes Jackets",
    "Industry": "Yields Faults Vibrations Turbines Welds Energy Downtime Scrap",
    "Agriculture": "Harvests Soils Milk Irrigation Weeds Feed",
    "Education": "Grades Attendance Exams Enrolment Essays",
    "Entertainment": "Ratings Tickets Streams Playlists Games Concerts",
    "Architecture": "Heating Lighting Facades Elevators Floors",
    "Others": "Weights Counts Shares Durations",
}
_SUBJECTS = [(topic, scenario) for scenario, topics in TOPICS.items() for topic in topics.split()]
#: From the subject of one domain to that of the next; prime, so that a few domains are about many scenarios.
_STRIDE = 37

_UNITS = (
    "shop branch region plant station clinic school fleet district harbour ward office warehouse farm line sector "
    "village campus terminal depot laboratory valley market studio"
).split()

_TEXT = (
    "daily weekly monthly hourly seasonal early late recent former yearly steady sudden rising falling typical rare "
    "frequent local national urban rural coastal northern southern eastern western central remote large small old new "
    "young adult senior public private shared manual automatic careful rough precise noisy clean missing corrected raw "
    "measured estimated reported expected observed planned actual average median total relative absolute short long "
    "forecast forecasts predicts estimates counts ranks sorts warns tells explains compares follows separates detects "
    "trees linear boosted pruned calibrated simple robust compact model models rule rules score scores signal signals "
    "sensor sensors meter meters record records survey surveys form forms visit period quarter winter summer spring "
    "autumn holiday weekend morning evening night shift price prices cost costs margin demand supply volume level "
    "levels rate rates risk risks quality temperature pressure humidity distance speed length height age income region "
    "person people household families workers patients pupils drivers buyers sellers growers machines vehicles "
    "buildings roads fields rooms after before during between within without under over near across against from for "
    "with by of in at and or not only mostly always never often"
).split()

_LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "CC-BY-4.0")


def drawn_words(plan: Plan, number: int, domain: int) -> SemanticSpecification:
    """Draw the words of a learnware; what it is about is told by its heaviest domain.

    The description ends in the number of the learnware, so that no two say the same.
    """
    draws = iter(plan.generator(Purpose.WORDS, number).random(_MOST_WORDS + 6).tolist())
    topic, scenario = _SUBJECTS[domain * _STRIDE % len(_SUBJECTS)]
    name = f"{topic}, {_UNITS[int(next(draws) * len(_UNITS))]} {1 + int(next(draws) * 99)}"
    license = _LICENSES[int(next(draws) * len(_LICENSES))]
    several, further = next(draws) < _SHARE_OF_TWO_SCENARIOS, _SUBJECTS[int(next(draws) * len(_SUBJECTS))][1]
    n_words = _LEAST_WORDS + int(next(draws) * (_MOST_WORDS + 1 - _LEAST_WORDS))
    text = " ".join(_TEXT[int(next(draws) * len(_TEXT))] for _ in range(n_words))
    inputs, outputs = plan.described
    return SemanticSpecification(
        name,
        f"{text.capitalize()}. Number {number}.",
        data="Table",
        task=plan.task,
        library="Scikit-learn",
        scenarios=(scenario, further) if several else (scenario,),
        license=license,
        inputs=inputs,
        outputs=outputs,
    )
