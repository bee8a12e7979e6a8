"""The types that a stored scikit-learn model may consist of.

Fixed here, whatever skops trusts by itself and whatever a file asks for. The rule for a type to be in: restoring it
sets attributes or fills arrays, and using it computes on numbers. Nothing here opens a file, imports a module, starts
a process, or calls a function whose name comes from the file, other than those of `FUNCTIONS`.

Memory safety is another matter: trees and neighbour indices hold positions that compiled code follows without looking,
so `learnware.models.bounds` checks them after loading.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(groups: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for module, names in groups.items() for name in names.split())


# Estimators: their __setstate__ is that of BaseEstimator, which compares versions and updates __dict__; their predict
# and transform compute. Left out are those that only cluster, embed or search, since they say nothing about new rows.
_ESTIMATORS = _names(
    {
        "sklearn.calibration": "CalibratedClassifierCV",
        "sklearn.cluster._agglomerative": "FeatureAgglomeration",
        "sklearn.cluster._kmeans": "KMeans MiniBatchKMeans",
        "sklearn.compose._column_transformer": "ColumnTransformer",
        "sklearn.compose._target": "TransformedTargetRegressor",
        "sklearn.cross_decomposition._pls": "CCA PLSCanonical PLSRegression",
        "sklearn.decomposition._dict_learning": "DictionaryLearning MiniBatchDictionaryLearning",
        "sklearn.decomposition._factor_analysis": "FactorAnalysis",
        "sklearn.decomposition._fastica": "FastICA",
        "sklearn.decomposition._incremental_pca": "IncrementalPCA",
        "sklearn.decomposition._kernel_pca": "KernelPCA",
        "sklearn.decomposition._lda": "LatentDirichletAllocation",
        "sklearn.decomposition._nmf": "MiniBatchNMF NMF",
        "sklearn.decomposition._pca": "PCA",
        "sklearn.decomposition._sparse_pca": "MiniBatchSparsePCA SparsePCA",
        "sklearn.decomposition._truncated_svd": "TruncatedSVD",
        "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
        "sklearn.dummy": "DummyClassifier DummyRegressor",
        "sklearn.ensemble._bagging": "BaggingClassifier BaggingRegressor",
        "sklearn.ensemble._forest": "ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier "
        "RandomForestRegressor RandomTreesEmbedding",
        "sklearn.ensemble._gb": "GradientBoostingClassifier GradientBoostingRegressor",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": "HistGradientBoostingClassifier "
        "HistGradientBoostingRegressor",
        "sklearn.ensemble._stacking": "StackingClassifier StackingRegressor",
        "sklearn.ensemble._voting": "VotingClassifier VotingRegressor",
        "sklearn.ensemble._weight_boosting": "AdaBoostClassifier AdaBoostRegressor",
        # These open files if they are told to take names of files: `vocabularies.refuse_files` lets none that is.
        "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
        "sklearn.feature_selection._from_model": "SelectFromModel",
        "sklearn.feature_selection._rfe": "RFE RFECV",
        "sklearn.feature_selection._sequential": "SequentialFeatureSelector",
        "sklearn.feature_selection._univariate_selection": "GenericUnivariateSelect SelectFdr SelectFpr SelectFwe "
        "SelectKBest SelectPercentile",
        "sklearn.feature_selection._variance_threshold": "VarianceThreshold",
        "sklearn.frozen._frozen": "FrozenEstimator",
        "sklearn.gaussian_process._gpc": "GaussianProcessClassifier",
        "sklearn.gaussian_process._gpr": "GaussianProcessRegressor",
        "sklearn.impute._base": "MissingIndicator SimpleImputer",
        "sklearn.impute._iterative": "IterativeImputer",
        "sklearn.impute._knn": "KNNImputer",
        "sklearn.isotonic": "IsotonicRegression",
        "sklearn.kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler "
        "SkewedChi2Sampler",
        "sklearn.kernel_ridge": "KernelRidge",
        "sklearn.linear_model._base": "LinearRegression",
        "sklearn.linear_model._bayes": "ARDRegression BayesianRidge",
        "sklearn.linear_model._coordinate_descent": "ElasticNet ElasticNetCV Lasso LassoCV MultiTaskElasticNet "
        "MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV",
        "sklearn.linear_model._glm.glm": "GammaRegressor PoissonRegressor TweedieRegressor",
        "sklearn.linear_model._huber": "HuberRegressor",
        "sklearn.linear_model._least_angle": "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
        "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
        "sklearn.linear_model._omp": "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
        "sklearn.linear_model._passive_aggressive": "PassiveAggressiveClassifier PassiveAggressiveRegressor",
        "sklearn.linear_model._perceptron": "Perceptron",
        "sklearn.linear_model._quantile": "QuantileRegressor",
        "sklearn.linear_model._ransac": "RANSACRegressor",
        "sklearn.linear_model._ridge": "Ridge RidgeCV RidgeClassifier RidgeClassifierCV",
        "sklearn.linear_model._stochastic_gradient": "SGDClassifier SGDRegressor",
        "sklearn.linear_model._theil_sen": "TheilSenRegressor",
        "sklearn.model_selection._classification_threshold": "FixedThresholdClassifier TunedThresholdClassifierCV",
        "sklearn.multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
        "sklearn.multioutput": "ClassifierChain MultiOutputClassifier MultiOutputRegressor RegressorChain",
        "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
        "sklearn.neighbors._classification": "KNeighborsClassifier RadiusNeighborsClassifier",
        "sklearn.neighbors._nca": "NeighborhoodComponentsAnalysis",
        "sklearn.neighbors._nearest_centroid": "NearestCentroid",
        "sklearn.neighbors._regression": "KNeighborsRegressor RadiusNeighborsRegressor",
        "sklearn.neighbors._unsupervised": "NearestNeighbors",
        "sklearn.neural_network._multilayer_perceptron": "MLPClassifier MLPRegressor",
        "sklearn.neural_network._rbm": "BernoulliRBM",
        "sklearn.pipeline": "FeatureUnion Pipeline",
        "sklearn.preprocessing._data": "Binarizer KernelCenterer MaxAbsScaler MinMaxScaler Normalizer "
        "PowerTransformer QuantileTransformer RobustScaler StandardScaler",
        "sklearn.preprocessing._discretization": "KBinsDiscretizer",
        "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
        # Harmless by itself, and scikit-learn uses it for "passthrough"; its function must be one of FUNCTIONS.
        "sklearn.preprocessing._function_transformer": "FunctionTransformer",
        "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder MultiLabelBinarizer",
        "sklearn.preprocessing._polynomial": "PolynomialFeatures SplineTransformer",
        "sklearn.preprocessing._target_encoder": "TargetEncoder",
        "sklearn.random_projection": "GaussianRandomProjection SparseRandomProjection",
        "sklearn.semi_supervised._label_propagation": "LabelPropagation LabelSpreading",
        "sklearn.semi_supervised._self_training": "SelfTrainingClassifier",
        "sklearn.svm._classes": "LinearSVC LinearSVR NuSVC NuSVR SVC SVR",
        "sklearn.tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    }
)

# Parts that estimators keep: plain holders of numbers and settings, restored through __dict__.
_PARTS = _names(
    {
        "scipy.interpolate._bsplines": "BSpline",
        "sklearn._loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
        "sklearn._loss.loss": "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfMultinomialLoss "
        "HalfPoissonLoss HalfSquaredError HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss",
        "sklearn.calibration": "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
        "sklearn.compose._column_transformer": "make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
        "sklearn.gaussian_process._gpc": "_BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels": "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation "
        "Matern PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel",
        "sklearn.metrics._scorer": "_CurveScorer _PassthroughScorer _Scorer",
        "sklearn.model_selection._split": "GroupKFold KFold RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
        "StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit",
        "sklearn.multiclass": "_ConstantPredictor",
        "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
        "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    }
)

# Compiled types that unpack arrays in __setstate__; the positions in those arrays are checked in `bounds`.
_COMPILED = _names(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
        "sklearn.metrics._dist_metrics": "BrayCurtisDistance64 CanberraDistance64 ChebyshevDistance64 "
        "DiceDistance64 EuclideanDistance64 HammingDistance64 HaversineDistance64 JaccardDistance64 "
        "ManhattanDistance64 MinkowskiDistance64 SEuclideanDistance64",
        "sklearn.neighbors._ball_tree": "BallTree BallTree64",
        "sklearn.neighbors._kd_tree": "KDTree KDTree64",
    }
)

# Losses are built by their own type from numbers.
_LOSSES = _names(
    {
        "sklearn._loss._loss": "CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss CyHalfGammaLoss "
        "CyHalfMultinomialLoss CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss CyHalfTweedieLossIdentity "
        "CyHuberLoss CyPinballLoss",
        "sklearn.linear_model._sgd_fast": "EpsilonInsensitive Hinge Huber Log ModifiedHuber "
        "SquaredEpsilonInsensitive SquaredHinge SquaredLoss",
    }
)

#: Functions that a model may refer to: element-wise maths, scores of features, and checks that scikit-learn keeps.
FUNCTIONS = _names(
    {
        "numpy": "abs absolute arccos arcsin arctan cbrt cos cosh deg2rad exp exp2 expm1 fabs log log10 log1p log2 "
        "max mean median min negative positive rad2deg reciprocal rint sign sin sinh sqrt square sum tan tanh",
        "scipy._lib.array_api_compat.numpy._aliases": "asarray",
        "scipy.special": "exp10 expit log1p logit ndtr ndtri",
        "scipy.special._ufuncs": "exp10 expit log1p logit ndtr ndtri",
        "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
        "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_regression r_regression",
        "sklearn.metrics._classification": "accuracy_score balanced_accuracy_score f1_score precision_score "
        "recall_score",
        "sklearn.utils.validation": "check_array",
    }
)

_SCALARS = _names(
    {
        "builtins": "bool float int str",
        "numpy": "bool bool_ datetime64 float16 float32 float64 int16 int32 int64 int8 str_ timedelta64 uint16 uint32 "
        "uint64 uint8",
    }
)
_SPARSE = frozenset(
    f"scipy.sparse._{kind}.{kind}_{suffix}" for kind in ("csc", "csr") for suffix in ("array", "matrix")
)

#: Types whose compiled code follows positions, or trusts sizes, that they hold: they may run only where a crash harms
#: nobody. Trees and sparse matrices are known by their loaders.
FOLLOWS_POSITIONS = (
    _COMPILED
    | frozenset(name for name in _ESTIMATORS if name.startswith(("sklearn.neighbors.", "sklearn.semi_supervised.")))
    | _names(
        {
            "scipy.interpolate._bsplines": "BSpline",
            "sklearn.cluster._kmeans": "KMeans MiniBatchKMeans",
            "sklearn.decomposition._dict_learning": "DictionaryLearning MiniBatchDictionaryLearning",
            "sklearn.decomposition._lda": "LatentDirichletAllocation",
            "sklearn.decomposition._nmf": "MiniBatchNMF NMF",
            "sklearn.decomposition._sparse_pca": "MiniBatchSparsePCA SparsePCA",
            "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfVectorizer",
            "sklearn.impute._knn": "KNNImputer",
            # It writes positions into a sparse matrix.
            "sklearn.preprocessing._encoders": "OneHotEncoder",
            "sklearn.svm._classes": "NuSVC NuSVR SVC SVR",
        }
    )
)

#: What may appear under each of the loaders of skops. A loader that is not here (methods, operators, constructors with
#: arguments from the file) is refused whatever type it names.
TRUSTED: Mapping[str, frozenset[str]] = {
    "BytesNode": frozenset({"builtins.bytes"}),
    "DTypeNode": frozenset({"numpy.dtype"}),
    "DictNode": frozenset({"builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"}),
    "FunctionNode": FUNCTIONS,
    "JsonNode": frozenset({"builtins.str"}),
    "ListNode": frozenset({"builtins.list"}),
    "LossNode": _LOSSES,
    "MaskedArrayNode": frozenset({"numpy.ma.MaskedArray"}),
    "NdArrayNode": _SCALARS | {"numpy.ndarray"},
    "ObjectNode": _ESTIMATORS | _PARTS | _COMPILED,
    # Its function is a node of its own and so one of FUNCTIONS.
    "PartialNode": frozenset({"functools.partial"}),
    "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
    "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
    "SetNode": frozenset({"builtins.set"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "SparseMatrixNode": _SPARSE,
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "TupleNode": frozenset({"builtins.tuple", "sklearn.impute._iterative._ImputerTriplet"}),
    "TypeNode": _SCALARS,
}
