"""The dock: a market folder that others use over HTTP, with accounts, verification in the background and a web page.

``learnware serve MARKET`` starts one; it needs ``learnware[server]``.
"""
