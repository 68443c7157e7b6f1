"""Secret numbers with check digits that banks and authorities give: accounts, persons."""
