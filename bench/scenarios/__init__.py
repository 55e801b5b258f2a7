"""One module per scenario. Each has TITLE, ITEM, and PEERS: name → function that measures once.

A measuring function runs in a process of its own and returns CPU seconds per item. The first
peer is ours; ratios are ours ÷ peer, pair by pair of neighbouring runs.
"""
