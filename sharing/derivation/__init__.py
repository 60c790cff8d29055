"""Derive links, tree and credits from the facts that events report.

Begin with `deriving.apply_facts`: the transaction, its lock, and what follows the commit. `_Derivation.run`
below it is the whole derivation in its order, and each step has a module of its own:

1. `facts`: read claims, opens and registrations from events, and store the new ones
2. `claiming`: owners and parents from claims, with `voids`
3. `opening`: counts of opens, and since when a link counts as shared
4. `registrations`: merge what events report about a registration, and find those that a change affects
5. `sharing/rules/attribution.py` decides; `outcomes` stores its credits and reasons
6. `totals`: the counters of subtrees, at most once per second

`store` loads the affected part of the tree into a `Forest` (`sharing/rules/forest.py`) and saves it; `bulk`
reads and writes many rows at once; `locks` lets one worker at a time change a conference.
"""
