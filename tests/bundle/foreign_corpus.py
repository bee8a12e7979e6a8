"""Zips of strangers: what `convert` of `learnware.bundle.upstream` must refuse, with the exact code, and must take."""

from __future__ import annotations

from tests.bundle.foreign_contents import ACCEPTED_CONTENTS, REJECTED_MANIFESTS, REJECTED_SPECIFICATIONS
from tests.bundle.foreign_forms import ACCEPTED_FORMS, REJECTED_FORMS, REJECTED_NAMES, Build, Row

#: Name, builder, class of the error, and its code.
REJECTED: list[Row] = [*REJECTED_FORMS, *REJECTED_NAMES, *REJECTED_MANIFESTS, *REJECTED_SPECIFICATIONS]

#: Name and builder.
ACCEPTED: list[tuple[str, Build]] = [*ACCEPTED_FORMS.items(), *ACCEPTED_CONTENTS.items()]
