"""Figures of decisions as SVG, drawn without a plotting library; each with its table, and a sketch for a terminal."""
