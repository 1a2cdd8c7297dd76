"""The report of a session of an index: what it says, in which language, and the page that shows it.

```
reports/portfolio/<session>/<index>.html    a session of an index: `page`
reports/portfolio/<month>.html              the reports that there are of a month: `months`
```

`model` is what a report says; `portfolio`, `market` and `rebalancing` work it out from rows of the
lake's tables, `charts` draws it, `page` and `months` write it. Nothing here reads the lake.
"""
