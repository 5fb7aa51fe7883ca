"""SPF from unpaired meters: estimators, intervals, and what can be known at all."""
