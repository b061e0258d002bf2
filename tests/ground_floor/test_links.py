"""What a person pastes for something at Spotify."""

import pytest

from etl.links import Named, named

ID = "4uLU6hMCjMI75M1A2tKUQC"
SHARE = "Rz3HNdQ6TcSUW5RkcJjXqg"  # what stands behind si= in a share, which looks like an id


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (ID, None),
        (f"  {ID}\n", None),
        (f"spotify:track:{ID}", "track"),
        (f"spotify:user:someone:playlist:{ID}", "playlist"),
        (f"https://open.spotify.com/track/{ID}", "track"),
        (f"https://open.spotify.com/track/{ID}?si={SHARE}", "track"),
        (f"https://open.spotify.com/track/{ID}/?si={SHARE}#t=1", "track"),
        (f"http://open.spotify.com/artist/{ID}?si={SHARE}&nd=1", "artist"),
        (f"open.spotify.com/album/{ID}", "album"),
        (f"https://open.spotify.com/intl-de/track/{ID}?si={SHARE}&context=spotify%3Aplaylist%3A{SHARE}", "track"),
        (f"https://open.spotify.com/intl-pt-BR/show/{ID}", "show"),
        (f"https://open.spotify.com/embed/episode/{ID}?utm_source=generator", "episode"),
        (f"https://open.spotify.com/user/someone/playlist/{ID}?si={SHARE}", "playlist"),
        (f"https://play.spotify.com/album/{ID}", "album"),
        (f"https://api.spotify.com/v1/tracks/{ID}", "track"),
    ],
)
def test_each_form_names_its_id_and_kind(told, kind):
    assert named(told) == Named(kind, ID)


@pytest.mark.parametrize(
    "told",
    ["", "Song", ID + "x", ID[1:], f"{ID} {ID}", f"spotify:local:a:b:{ID}:1", f"https://example.org/track/{ID}",
     f"https://open.spotify.com/?si={SHARE}", f"https://open.spotify.com.example.org/track/{ID}", "spotify:track:x"],
)  # fmt: skip
def test_what_is_none_is_a_name(told):
    assert named(told) is None
