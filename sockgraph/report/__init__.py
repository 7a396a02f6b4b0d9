"""A case's report: one HTML file, text out, nothing estimated.

`case_report` lays out what the stages wrote; `ReportData` is everything it reads.
`validation_page` lays out how often the numbers would be wrong; it names nobody. `concert_page` is
for one desk only, and never shared. `capture_page` is of a community, without a name.
"""
