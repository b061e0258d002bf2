"""The words that the made-up catalogue is made of. Ours: likeness to a real band is a coincidence."""

WORDS: dict[str, tuple[str, ...]] = {
    "adjective": (
        "Absent-Minded", "Apologetic", "Borrowed", "Brave", "Careful", "Crooked", "Damp", "Earnest",
        "Folded", "Gentle", "Half-Awake", "Hesitant", "Invisible", "Lukewarm", "Mild", "Nocturnal",
        "Overdue", "Patient", "Polite", "Punctual", "Quiet", "Reluctant", "Second-Hand", "Slightly Late",
        "Sleepy", "Unopened",
    ),
    "noun": (
        "Accordion", "Allotment", "Armchair", "Biscuit", "Cardigan", "Compost", "Corridor", "Cucumber",
        "Doorbell", "Elevator", "Envelope", "Escalator", "Ferry", "Gherkin", "Hedgehog", "Kettle",
        "Lampshade", "Marmalade", "Mitten", "Otter", "Pigeon", "Porridge", "Radiator", "Spoon", "Stapler",
        "Teapot", "Toaster", "Trombone", "Umbrella", "Walnut", "Wardrobe", "Weathercock",
    ),
    "nouns": (
        "Archivists", "Badgers", "Bakers", "Bookends", "Bus Drivers", "Curtains", "Dumplings", "Footnotes",
        "Gardeners", "Herons", "Librarians", "Lighthouses", "Moths", "Neighbours", "Otters", "Postcards",
        "Radiators", "Semicolons", "Snowploughs", "Thermostats", "Turnips", "Umbrellas",
    ),
    "place": (
        "the Attic", "the Car Park", "the Cellar", "the Dentist's", "the Garden Centre", "the Kitchen",
        "the Library", "the Lift", "the Night Bus", "the Post Office", "the Rain", "the Stairwell",
        "the Swimming Pool", "the Waiting Room", "Platform Nine", "Row Seven",
    ),
    "verb": (
        "Alphabetise", "Borrow", "Butter", "Dust", "Fold", "Forgive", "Iron", "Label", "Misplace", "Polish",
        "Postpone", "Rehearse", "Return", "Unpack", "Water", "Whistle at",
    ),
    "first": (
        "Alma", "Bertil", "Cosima", "Dorit", "Edda", "Fenno", "Greta", "Hauke", "Ilse", "Jorun", "Kasimir",
        "Lotte", "Mirko", "Nele", "Osric", "Pilar", "Quill", "Runa", "Svea", "Tamsin", "Ulla", "Wanda",
    ),
    "last": (
        "Aldermoor", "Bramblewick", "Candlemere", "Driftholm", "Elderquist", "Fennimore-Lund", "Gallowglen",
        "Hartvik", "Inkpen", "Jellinghaus", "Kipperling", "Larkspurr", "Mossgrove", "Nettlebed", "Oatcake",
        "Pennyfold", "Quince", "Rushmere-Holt", "Saltmarsh", "Thistledown",
    ),
    "number": (
        "2", "3", "4", "7", "9", "11", "12", "17", "23", "40", "64", "99",
    ),
    "weekday": (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ),
}  # fmt: skip

ARTIST_PATTERNS = (
    "The {adjective} {nouns}",
    "The {adjective} {nouns}",
    "{first} {last}",
    "{first} {last}",
    "{first} {last}",
    "{first} & the {nouns}",
    "{noun} Committee",
    "{adjective} {noun}",
    "{adjective} {nouns}",
    "DJ {noun}",
    "{last} & {last}",
    "{first} and the {weekday} {nouns}",
    "{noun} Versus {noun}",
    "{nouns} in {place}",
)

ALBUM_PATTERNS = (
    "{adjective} {nouns}",
    "Live from {place}",
    "{noun} Studies, Vol. {number}",
    "Songs for the {noun}",
    "A {weekday} in {place}",
    "How to {verb} the {noun}",
    "{noun} / {noun}",
)

TITLE_PATTERNS = (
    "{adjective} {noun}",
    "{noun} in {place}",
    "{verb} the {noun}",
    "Don't {verb} My {noun}",
    "{weekday}, Again",
    "{first}'s {noun}",
    "Waltz for {first}",
    "{number} {nouns}",
    "I Left My {noun} in {place}",
    "No More {nouns}",
    "Ballad of the {adjective} {noun}",
    "Meet Me at {place}",
    "{noun} No. {number}",
    "{verb} Me Slowly",
    "Oh, {first}",
)

# what has tripped a program somewhere: quotes, markup, formulas, other scripts, sheer length
SPECIAL_ARTISTS = (
    "Kühlschrankromantik",
    "Sæter & Sønn",
    "مقهى الغيوم",
    "傘の会議",
    "¿Y Mi Paraguas?",
    "Ænd, Then",
    "null",
    "The \"Quotation\" Marks",
)  # fmt: skip

SPECIAL_TITLES = (
    'She Said "Maybe Tuesday"',
    "Don't Wake the Printer's Cat",
    "Toast 🍞🔥",
    "Übermäßig höfliche Bären",
    "قهوة بلا سكر",
    "הגשם מאחר",
    "雨の自動販売機",
    "'; drop table naps; --",
    "<b>Bold</b> & Other Claims",
    "=SUM(Of:Us)",
    "100% Wool",
    "C:\\Dreams\\Final_v2",
    "Salt, Pepper; \"Regret\"",
    "NaN",
    "🧦",
    "Interlude",
    "Interlude",
    "Crème brûlée (déjà vu)",
    "A Complete and Annotated History of the Afternoon on Which Nobody Could Find the Good Scissors, "
    "Told in the Order in Which We Looked, with an Appendix on the Drawer Where They Had Been All Along "
    "and a Short Apology to the Neighbours",
    "Zażółć gęślą jaźń, kochanie",
)  # fmt: skip

GENRES = (
    "allotment folk", "attic house", "biscuit core", "car park techno", "chamber skiffle", "corridor jazz",
    "damp wave", "elevator soul", "garden shed rock", "kitchen pop", "library ambient", "lukewarm funk",
    "night bus r&b", "polite punk", "porch disco", "radiator drone", "stairwell choir", "umbrella bossa",
)  # fmt: skip

LABELS = (
    "Kitchen Table Records",
    "Second Drawer Down",
    "Lost Mitten Music",
    "Half Past Recordings",
    "Tall Spoon",
)

COMPILATION = "Now That's What We Heard Through the Wall, Vol. 12"

SHOWS = (
    (
        "The Long Way to the Shops",
        "Second Drawer Down Audio",
        "Two neighbours walk to the shops and talk about what they meant to buy.",
        ("Milk, Probably", "The List", "Closed on Wednesdays", "What We Forgot"),
    ),
    (
        "Minutes of the Previous Meeting",
        "Half Past Productions",
        "A committee reads out its minutes, with music.",
        ("Apologies for Absence", "Matters Arising", "Any Other Business"),
    ),
)
