"""Who else knows something of tracks and artists: audio features, genres, ids. One file each over one base, off until
PROVIDERS names them.
"""
