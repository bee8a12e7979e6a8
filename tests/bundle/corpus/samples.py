"""Sound documents of other forms, for tests that damage them."""

from __future__ import annotations

import json

YAML_SAMPLES = [
    b"a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: null\n  e: -1.5\n",
    b"a: |\n  text\n  more\nb: >-\n  folded\n  text\nc: {d: {e: [f, {g: h}]}}\n",
    b"- a\n- - b\n  - c\n- d: e\n",
    "é: '字'\n? long\n: value\n".encode(),
]
JSON_SAMPLES = [
    b'{"z": [[0.0, 1.0], [2.0, 3.0]], "beta": [0.5, 0.5], "gamma": 0.1, "type": "RKMETableSpecification"}',
    json.dumps(
        {
            "format": "learnware-specification",
            "version": 1,
            "semantic": {
                "Name": {"Type": "String", "Values": "Größe"},
                "Scenario": {"Type": "Tag", "Values": ["Business"]},
                "Input": {"Dimension": 2, "Description": {"0": "a", "1": "b"}},
            },
            "statistical": {
                "type": "RKME",
                "space": {
                    "data": "table",
                    "encoder": "table-1",
                    "named": True,
                    "columns": [
                        {"name": "a", "kind": "number", "dtype": "float", "missing": 0.25},
                        {"name": "b", "kind": "category", "dtype": "str", "categories": ["u", "v"]},
                    ],
                },
                "points": [[float(i + j) for j in range(17)] for i in range(2)],
                "weights": [0.25, 0.75],
                "location": [0.0] * 17,
                "scale": [1.0] * 17,
                "n_samples": 40,
                "squared_error": 0.01,
            },
        }
    ).encode(),
]
