"""How long anything may take, with the reason of each limit: statements and connections of the database. Pure."""

# The database. Every transaction begins with the two limits of its kind; see etl/warehouse.py.
CONNECT_S = 15  # a database that sleeps wakes up within ten; libpq counts the start-up answer in, not only TCP's
