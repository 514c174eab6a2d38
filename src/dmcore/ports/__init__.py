"""What somebody else must provide, as protocols with their contracts in prose.

An adapter author reads these files and nothing else. Words: MUST as in RFC 2119; *held* means
locked until the transaction ends.
"""
