"""Plans under uncertainty: scenarios of price, weather, draws, load and trips; one first decision for all of them."""
