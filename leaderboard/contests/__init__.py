"""Competitions: made, entered, submitted to, revealed. Each verb that changes who is where or what counts passes under the
one lock of its competition (`phases.locked`), so that posts, joins, merges and the reveal never cross.
"""
