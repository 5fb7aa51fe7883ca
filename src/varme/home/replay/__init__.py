"""A home in closed loop: plans that are made anew every hour from forecasts, against rules in the same weather."""
