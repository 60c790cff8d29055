"""What an event's surroundings say about its sender: browser, system, device, country, where they came from.

What would be lost is stored with the event: the browser is read from the user agent, whose text is discarded,
and the country from the address. What can be read again from stored fields (referrer, campaign) is not
(docs/adr/0034). Nothing here knows a database.
"""
