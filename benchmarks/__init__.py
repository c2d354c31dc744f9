"""Side-by-side measurements: phasegate, its peers and its floors, in one run on one machine. See docs/performance.md."""
