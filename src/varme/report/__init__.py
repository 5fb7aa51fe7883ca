"""Charts and pages of a result: ``browser`` (ECharts options), ``page`` (one HTML file), ``png`` (matplotlib)."""
