"""Pure: what energy costs. A tariff is a list of components, a bill what they say of a load; `kinds.py` lists them."""
