"""Seawall: the production-hardening layer between an application and the language-model providers it calls."""

__version__ = "0.1.0"
