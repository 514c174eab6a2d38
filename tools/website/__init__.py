"""Makes a website of the Markdown pages, which fetches nothing from anywhere when it is read.

What is wrong with a link, a heading or an image fails the build. It needs nothing that the tests do
not need already: markdown-it-py reads the pages and Pygments colours the code.
"""
