"""The report of a session of an index: what it says, in which language, and the page that shows it.

```
reports/portfolio/<session>/<index>.html    a session of an index: `page`
reports/portfolio/<month>.html              the reports that there are of a month: `months`
```

`model` and `moves` are what a report says; `portfolio` and `market` work it out from rows of the
lake's tables. `charts` draws it, of `bars` and `lines`, by way of `svg`; `verdicts` says in words
what is not fine; `page` and `months` write it, in the `language` that is asked for. `digest` tells
whether a page says what it should. Nothing here reads the lake.
"""
