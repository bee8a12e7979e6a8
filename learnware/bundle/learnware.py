"""The learnware object."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, complain
from learnware._writing import write_whole
from learnware.bundle.answers import checked_probabilities, checked_values
from learnware.bundle.archive import Archive
from learnware.bundle.building import as_targets, build
from learnware.bundle.content import Content
from learnware.bundle.display import as_html, described
from learnware.bundle.execution import Execution, Policy
from learnware.bundle.rows import Layout
from learnware.bundle.samples import Texts
from learnware.bundle.upstream import convert, is_upstream
from learnware.errors import InvalidParameter, UnreachableFile, UnsupportedModel
from learnware.limits import Limits
from learnware.models import Level
from learnware.models.base import Label
from learnware.specification import SemanticSpecification, Specification
from learnware.specification.encoders import Encoder

Array = npt.NDArray[Any]


class Learnware:
    """A stored model together with the specification of what it is for.

    Made by `from_model`, `load` or `from_bytes`. Its file never changes: copies are the object itself, and two
    learnwares are equal when their bytes are. A model made here runs in this process. One that was loaded runs in
    another, started on the first prediction: models of data in a worker that they share, code in a sandbox.

    Attributes
    ----------
    id : str or None
        The id in the market it came from.
    specification : Specification
        What it is for.
    task : {"Classification", "Regression"}
        What it predicts.
    classes_ : ndarray or None
        The labels, for a classifier; columns of `predict_proba` are in their order.
    data : {"table", "text", "image"}
        What a sample is.
    columns : tuple of str
        Names of the columns it takes, or positions where they have no names; empty for texts and images.
    sample_shape : tuple of int or None
        Shape of the images it takes; None for tables and texts.
    pixels : {"bool", "int", "float"} or None
        Kind of the numbers of these images.
    n_outputs : int
        Numbers predicted per row.
    digest : str
        Sha256 of its bytes.
    level : Level
        What running its model can do: T0 data, T1 data with unsafe memory, T2 code.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from learnware import Learnware
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> learnware = Learnware.from_model(model, X, y, name="Wine cultivars", random_state=0)
    >>> learnware
    Learnware('Wine cultivars', Classification, 13 columns, id=None)
    >>> learnware.predict(X[:3]), learnware.predict_proba(X[:3]).shape
    (array([0, 0, 0]), (3, 3))
    """

    def __init__(self, content: Content, *, execution: Execution | None = None, id: str | None = None) -> None:
        if not isinstance(content, Content):
            raise InvalidParameter(
                f"A Learnware is made by Learnware.from_model(model, X, y, name=...) or Learnware.load(path). Got "
                f"{type(content).__name__} instead."
            )
        self._content = content
        self._execution = execution or Execution(content, Policy())
        self._id = id
        self._adapted = False

    @classmethod
    def from_model(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        name: str,
        task: str | None = None,
        description: str = "",
        scenarios: str | Iterable[str] = (),
        license: str | None = None,
        library: str | None = None,
        classes: Iterable[Label] | None = None,
        n_points: int = 100,
        random_state: RandomState = None,
        progress: bool | None = None,
        specification: Specification | None = None,
        share_training_rows: bool = False,
        data: str = "table",
        encoder: Encoder | str | None = None,
        score: float | None = None,
    ) -> Learnware:
        """Make a learnware of a fitted model.

        The model is stored, loaded back, and must then answer as before on rows of X; the learnware predicts with what
        was stored, so the developer tests what users will get.

        Parameters
        ----------
        model : object
            A fitted scikit-learn classifier or regressor (pipelines and searches too), a torch module, or a LightGBM
            or XGBoost model. A torch classifier answers with one logit per class, or one for the second of two classes.
        X : array or data frame of shape (n_samples, n_features), list of str, or array of images
            Data that the model is for, as a rule its training data. It is used to build the specification and to learn
            what the columns are; no row of it is stored. Images are of shape (n, height, width, channels),
            (n, channels, height, width) or (n, height, width), in the order of axes and the kind of numbers that the
            model takes; they reach it as they are, never rescaled.
        y : array of shape (n_samples,) or (n_samples, n_outputs), optional
            Targets. They tell task and classes of a torch module, and are checked against the classes of others.
        name : str
            Short title.
        task : {"classification", "regression"}, optional
            Default: what the model is made for; for torch, what `y` looks like.
        description, scenarios, license, library : optional
            Words of the specification; see `SemanticSpecification`.
        classes : iterable of labels, optional
            The labels in the order of a torch module's logits, or of a bare booster's classes. Default: sorted labels
            of `y`, or the model's own.
        n_points : int, default=100
            Points of the specification, at most.
        random_state : None, int or generator, default=None
            Seeds the specification. With an int, equal models and data give equal bytes.
        progress : bool, optional
            Show a progress bar.
        specification : Specification, optional
            Use this one, with its statistical part, instead of building one from X.
        share_training_rows : bool, default=False
            Accept a model that carries rows of its training data, as nearest neighbours and support vector machines
            do. Whoever gets the learnware can read them.
        data : {"table", "text", "image"}, default="table"
            What a sample is.
        encoder : Encoder or str, optional
            What turns texts or images into the points of the specification; see `Specification.from_data`.
        score : float, optional
            How well the model does on rows that it was not fitted on: accuracy, or coefficient of determination. It is
            told to everybody who finds the learnware, beside what the model answers at its points.

        Returns
        -------
        Learnware

        Raises
        ------
        UnsupportedModel
            The model cannot be stored safely, carries rows of its training data, is not fitted, or answers
            differently once stored.
        InvalidData, InvalidSpecification, InvalidParameter
            X, y or words cannot be used; the message says why.
        """
        content, predictor = build(
            model,
            X,
            y,
            name=name,
            task=task,
            description=description,
            scenarios=scenarios,
            license=license,
            library=library,
            classes=classes,
            n_points=n_points,
            random_state=random_state,
            progress=progress,
            specification=specification,
            share_training_rows=share_training_rows,
            data=data,
            encoder=encoder,
            score=score,
        )
        return cls(content, execution=Execution.of_own(content, predictor))

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        isolation: str = "auto",
        trust: str | None = None,
        limits: Limits | None = None,
        semantic: SemanticSpecification | None = None,
    ) -> Learnware:
        """Open a learnware file.

        Manifest and specification are read and checked now, the model on the first prediction. The sha256 of every file
        inside is compared with the manifest whenever it is read; `verify` compares all of them at once. Nothing in the
        file runs in this process unless it is asked for.

        Parameters
        ----------
        path : str or Path
            A file that `save` wrote, or the zip of a Beimingwu learnware, which is converted in memory.
        isolation : {"auto", "process", "sandbox", "none"}, default="auto"
            Where its model runs. ``"auto"``: data in a worker process, code in a sandbox. ``"process"``: a worker
            process for either, code only with ``trust="code"``. ``"sandbox"``: a sandbox for either. ``"none"``: in
            this process, which takes ``trust="data"`` for a model of level T1 and is refused to code.
        trust : {"data", "code"}, optional
            What you vouch for: that its data are sound, or that its code means no harm.
        limits : Limits, optional
            Time, memory and more that the model may use.
        semantic : SemanticSpecification, optional
            The words of a Beimingwu learnware that was not uploaded yet, whose zip has none.

        Raises
        ------
        BundleError
            There is no such file, or it is damaged; ``code`` says how.
        UntrustedModel
            Models of its level do not run in this way.
        """
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise complain("path", "Learnware.load", "the path of a file", path)
        # Into memory, once: a file that is overwritten later must not change a learnware that is already open.
        data = Archive.read_file(Path(path))
        return cls.from_bytes(data, isolation=isolation, trust=trust, limits=limits, semantic=semantic)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        *,
        isolation: str = "auto",
        trust: str | None = None,
        limits: Limits | None = None,
        semantic: SemanticSpecification | None = None,
    ) -> Learnware:
        """Open the content of a learnware file; see `load`."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise complain("data", "Learnware.from_bytes", "the bytes of a learnware file", data)
        if not isinstance(semantic, SemanticSpecification | None):
            raise complain("semantic", "Learnware.load", "a SemanticSpecification or None", semantic)
        policy, data = Policy(isolation, trust, limits), bytes(data)
        if is_upstream(data):
            data = convert(data, semantic=semantic)
        elif semantic is not None:
            raise InvalidParameter(
                "The 'semantic' parameter of Learnware.load is for zips of Beimingwu. This file is none, and says its "
                "own words: leave the parameter out."
            )
        content = Content(data)
        return cls(content, execution=Execution(content, policy))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the learnware into one file, which is there whole or not at all.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnreachableFile
            The folder is absent or cannot be written (code ``"unwritable"``).
        UnsupportedModel
            The model has been changed by `fit` or `finetune`, which a file cannot hold.
        """
        self._refuse_adapted("saved")
        target = Path(path)
        try:
            return write_whole(target, self.to_bytes())
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"{target} cannot be written: {reason}. Choose a folder that exists and that you may write to."
            raise UnreachableFile(message, code="unwritable", file=str(target)) from error

    def to_bytes(self) -> bytes:
        """Return the content of the learnware's file."""
        return self._content.read_all()

    def verify(self) -> None:
        """Compare the sha256 of every file inside with the manifest.

        Raises
        ------
        BundleError
            A file is damaged; ``code`` says how.
        """
        self._content.verify()

    def with_id(self, id: str | None) -> Learnware:
        """Return the same learnware, sharing its model, under an id."""
        self._refuse_adapted("shared")
        return type(self)(self._content, execution=self._execution, id=id)

    def with_isolation(self, isolation: str, *, trust: str | None = None, limits: Limits | None = None) -> Learnware:
        """Return the same learnware with its model as it is stored, run in another way; see `load`."""
        execution = Execution(self._content, Policy(isolation, trust, limits))
        return type(self)(self._content, execution=execution, id=self._id)

    @property
    def id(self) -> str | None:
        """The id in the market it came from, or None."""
        return self._id

    @property
    def name(self) -> str:
        """Its title."""
        return self._content.manifest.name

    @property
    def specification(self) -> Specification:
        """What it is for."""
        return self._content.specification

    @property
    def task(self) -> str:
        """``"Classification"`` or ``"Regression"``."""
        return self._content.manifest.model.task

    @property
    def classes_(self) -> Array | None:
        """The labels of a classifier, else None."""
        classes = self._content.manifest.model.classes
        return None if classes is None else np.asarray(classes)

    @property
    def data(self) -> str:
        """``"table"``, ``"text"`` or ``"image"``: what a sample is."""
        layout = self._content.layout
        return "table" if isinstance(layout, Layout) else "text" if isinstance(layout, Texts) else "image"

    @property
    def sample_shape(self) -> tuple[int, ...] | None:
        """Shape of the images that it takes, else None."""
        return self._content.manifest.model.shape or None

    @property
    def pixels(self) -> str | None:
        """``"bool"``, ``"int"`` or ``"float"``: kind of the numbers of the images that it takes, else None."""
        return self._content.manifest.model.pixels or None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that it takes."""
        return self._content.layout.names

    @property
    def n_outputs(self) -> int:
        """Numbers predicted per row."""
        return self._content.manifest.model.n_outputs

    @property
    def requirements(self) -> tuple[str, ...]:
        """Packages, with versions, that its model needs."""
        return self._content.manifest.model.requirements

    @property
    def digest(self) -> str:
        """Sha256 of its bytes."""
        return self._content.digest

    @property
    def level(self) -> Level:
        """What running its model can do, decided by its content."""
        return self._content.level

    def predict(self, X: Any) -> Array:
        """Predict one answer per row; X is never modified.

        Parameters
        ----------
        X : array, data frame (pandas or polars), torch tensor, list of str, or array of images
            Columns are matched by name where both sides have names: in any order, with others ignored. Images may have
            their channels at the other end than the model takes them, but not another kind of numbers.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels out of `classes_`, or finite numbers.

        Raises
        ------
        ColumnMismatch
            Columns are absent, named in ``missing``, or their number is wrong.
        InvalidData
            X is no table, texts or images of the right kind.
        ModelFailure
            The model raised (`ModelFailure`), answered with the wrong thing (`BadPrediction`), or took more than its
            limits allow (`SandboxTimeout`, `SandboxMemory`). The next call is answered all the same.
        IsolationUnavailable
            It is code, and this machine has no sandbox.
        """
        rows = self._content.layout.arrange(X)
        return checked_values(self._execution.call("predict", rows), len(rows), self._content.manifest.model)

    @property
    def predict_proba(self) -> Callable[[Any], Array]:
        """``predict_proba(X)``: probabilities of shape (n_samples, n_classes), for models that tell them.

        X and errors are those of `predict`. The attribute is absent, so `hasattr` is False, for other models.
        """
        if not self._content.manifest.model.probabilities:
            raise AttributeError(f"The model of {self!r} does not tell probabilities.")
        return self._predict_proba

    def _predict_proba(self, X: Any) -> Array:
        rows = self._content.layout.arrange(X)
        answer = self._execution.call("predict_proba", rows)
        return checked_probabilities(answer, len(rows), self._content.manifest.model)

    @property
    def fit(self) -> Callable[[Any, Any], Learnware]:
        """``fit(X, y)``: train its model anew on rows of your own; only for code that can.

        The trained model lives in a worker of this object alone, as long as the object and its worker do, and cannot be
        saved; other objects of the same learnware keep the stored model. The attribute is absent for models that are
        data.
        """
        return self._adapting("fit")

    @property
    def finetune(self) -> Callable[[Any, Any], Learnware]:
        """``finetune(X, y)``: train its model further on rows of your own; see `fit`."""
        return self._adapting("finetune")

    def _adapting(self, method: str) -> Callable[[Any, Any], Learnware]:
        if self._content.level is not Level.CODE:
            raise AttributeError(f"The model of {self!r} is data and has no {method}.")

        def adapt(X: Any, y: Any) -> Learnware:
            execution = self._execution if self._adapted else self._execution.anew()
            rows = self._content.layout.arrange(X)
            execution.call(method, rows, as_targets(y, len(rows)))
            self._execution, self._adapted = execution, True
            return self

        return adapt

    def _refuse_adapted(self, what: str) -> None:
        if self._adapted:
            raise UnsupportedModel(
                f"{self!r} was trained in its worker and cannot be {what}: only the worker holds its state. Use it in "
                "this process, or take a fresh one by with_isolation('auto')."
            )

    def __copy__(self) -> Learnware:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Learnware:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        self._refuse_adapted("pickled")
        return _restore, (self.to_bytes(), self._id, self._execution.policy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Learnware):
            return NotImplemented
        return self is other or (self.digest == other.digest and not self._adapted and not other._adapted)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Learnware({self.name!r}, {self.task}, {described(self._content)}, id={self._id!r})"

    def _repr_html_(self) -> str:
        return as_html(self._content, self._id)


def _restore(data: bytes, id: str | None, policy: Policy) -> Learnware:
    content = Content(data)
    return Learnware(content, execution=Execution(content, policy), id=id)
