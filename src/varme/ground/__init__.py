"""Units, time, specs, errors and results: what every other room of varme stands on."""
