"""Studies: from a file to a result; kinds, runs, sweeps, schemas, comparisons."""
