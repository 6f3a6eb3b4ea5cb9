"""What participants take home from this server: the command line client and the offline check of an answer.

Guarantees that the check is the very code this server runs, and that nothing in either is hidden content.
"""
