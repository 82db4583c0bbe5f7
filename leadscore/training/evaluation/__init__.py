"""How good a model is on leads it was not fitted to: figures, resampling, folds, calibration.

May import scikit-learn and of training `dataset`; `figures` imports numpy alone. It knows no models.
"""
