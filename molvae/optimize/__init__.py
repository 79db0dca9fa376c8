"""Campaigns that spend oracle calls: objectives, oracles, methods, the journal and the loop; imports nothing until it is used."""
