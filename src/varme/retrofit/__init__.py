"""Retrofit: from gas and heat-pump meters to SPF, retrofitted demand, peaks and transformers."""
