"""Figures for paper and slide."""
