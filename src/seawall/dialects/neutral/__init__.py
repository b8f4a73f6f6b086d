"""A call in no provider's words: what every dialect reads into and writes out of.

With n dialects there are n readers and n writers, and no translation for every pair. `conversation` is what is asked,
`answer` what comes back whole, `event` what comes back piece by piece, `loss` what could not be carried over, and
`form` what a dialect has to be able to do.
"""
