"""What is wrong with the database: an error of the driver as a sentence for the person, and whether it can pass by itself.

Postgres's own code (SQLSTATE) decides where there is one. libpq hands none on while it connects, so there the words have
to do: each message is told apart from the names and numbers before it, and compared from its beginning. Servers that
speak another language are understood in the refusals that a wrong address causes, in the languages of OTHER_LANGUAGES;
any other words of theirs are taken for something that may pass.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
from sqlalchemy.exc import DBAPIError

MISSING_STATES = ("3F000", "42703", "42883", "42P01")  # no such schema, column, function, table
LOCK_NOT_AVAILABLE = "55P03"


# SQLSTATEs that are about a value of the batch: too long, out of range, no date, no text, no such form; missing, doubled
# within a statement or against a check; too large for an index. Not those of the database itself, such as a spent sequence.
ABOUT_VALUES = {
    *("21000", "22001", "22003", "22007", "22008", "22021", "22023", "22P02", "22P03", "22P04", "22P05"),
    *("23502", "23514", "54000"),
}


class WarehouseError(Exception):
    """The database did not do its part. The message is for the person: no address, no password, no value of a row.

    `is_reached`: it answered, and refused a statement.
    """

    def __init__(self, said: str, *, is_reached: bool = False) -> None:
        self.is_reached = is_reached
        super().__init__(said)


class ValuesRefused(WarehouseError):
    """Postgres refused a value, and not the statement: the rest of the batch may go in without it."""


class AnswerTimeout(psycopg2.OperationalError):
    """The server took a statement, and neither answered nor ended it within its limit."""


@dataclass(frozen=True)
class Trouble:
    """What a person is told, and whether it can pass by itself."""

    sentence: str
    can_pass: bool = False


OPTION = "DATABASE_URL can't be read by the Postgres driver; check what follows the question mark."
PERCENT = (
    "If the password has other signs than letters and digits, write them percent-encoded: @ as %40, / as %2F, # as %23, ?"
    " as %3F, % as %25."
)
QUOTA = Trouble(
    "The database's host says that a quota of your plan is used up; nothing can be recorded until it is renewed, or the plan"
    " is a larger one."
)
LOGIN = Trouble(f"The database refuses the user or password in DATABASE_URL. {PERCENT}")
NO_PASSWORD = Trouble("The database wants a password, and DATABASE_URL has none.")
NO_USER = Trouble("The database does not know the user in DATABASE_URL, or does not let it log in.")
POOLER_USER = Trouble(
    "The pooler at the host in DATABASE_URL does not know the user. Copy the address anew from the host's page of connection"
    " strings: at Supabase the user is postgres.PROJECT, and each region has a host of its own. A project that is paused is"
    " unknown, too."
)
NO_DATABASE = Trouble("The server answers, but the database that DATABASE_URL names does not exist there.")
NO_ENDPOINT = Trouble(
    "The server answers, but the database or endpoint that DATABASE_URL names does not exist there, or is disabled."
)
NO_ENTRY = Trouble(
    "The server lets this user in from no address like this one. Add it to the host's list of allowed addresses; GitHub's"
    " runners have changing ones, so there all have to be allowed."
)
WANTS_TLS = Trouble("The server takes encrypted connections only. Add ?sslmode=require to DATABASE_URL.")
NO_TLS = Trouble("DATABASE_URL asks for TLS (sslmode), but the server does not offer it.")
NO_BINDING = Trouble(
    "DATABASE_URL asks for channel binding (channel_binding), which the server can't do. Take it out of DATABASE_URL; with"
    " the sslmode verify-full and sslrootcert=system the server is known for certain all the same."
)
NO_ROOT = Trouble(
    "DATABASE_URL asks to verify the server's certificate (sslmode), but there is no file of root certificates here. Add"
    " sslrootcert=system to DATABASE_URL to use those of this computer."
)
WEAK_MODE = Trouble("DATABASE_URL has sslrootcert=system, which goes with the sslmode verify-full only. Set that, too.")
BAD_CERTIFICATE = Trouble(
    "The server's certificate can't be verified: nobody whom this computer trusts has signed it. Put the host's root certificate"
    " into a file and name it in DATABASE_URL (sslrootcert=FILE), or use sslmode=require, which encrypts without verifying."
)
OTHER_NAME = Trouble(
    "The server's certificate is for another host than the one in DATABASE_URL. Use the name that it is for, or sslmode=verify-ca."
)
TLS_FAILS = Trouble("The server and this computer find no version of TLS that both speak, or its files can't be used.")
STARTUP_OPTION = Trouble(
    "The pooler at the host refuses an option in DATABASE_URL (options=…, or one like it). Take it out, or use the host's direct"
    " address."
)
NO_POSTGRES = Trouble(
    "What answers at the host and port in DATABASE_URL is no Postgres. Check the port; Postgres's own is 5432."
)
NO_HOST = Trouble("The host in DATABASE_URL can't be found. Check how it is written.")
NO_NAMES = Trouble(
    "The host in DATABASE_URL can't be found: this computer can't ask for names right now.", can_pass=True
)
ONLY_IPV6 = Trouble(
    "The host in DATABASE_URL has an IPv6 address only, and from here IPv6 leads nowhere (GitHub's runners have none). Use the"
    " host's address for IPv4: at Supabase that of the pooler."
)
REFUSED = Trouble("Nothing listens at the host and port in DATABASE_URL: the connection is refused.", can_pass=True)
NO_ANSWER = Trouble("The host in DATABASE_URL does not answer in time.", can_pass=True)
NO_SOCKET = Trouble("No Postgres listens on the socket that DATABASE_URL names.", can_pass=True)
NO_ROOM = Trouble("The database has no connection free: too many are open.", can_pass=True)
BROKEN = Trouble("The database can't be reached, or the connection broke.", can_pass=True)
UNREAD = Trouble(OPTION)
SILENT = Trouble("The database took a statement and did not answer, nor end it, in time. The next run tries again.")

WORDS: tuple[tuple[str, Trouble], ...] = (  # the beginning of a message, whatever its case
    (r"your (account or )?project has exceeded the ([\w -]+ )?quota", QUOTA),
    (r"(.+[;,.] )?(please )?check your quotas", QUOTA),
    (r"password authentication failed for user", LOGIN),
    (r"(SASL|SCRAM|PAM|LDAP|RADIUS|MD5|GSSAPI|certificate|peer|ident) authentication failed", LOGIN),
    (r"(fe_sendauth: )?no password supplied", NO_PASSWORD),
    (r"empty password returned by client", NO_PASSWORD),
    (r"role \".*\" (does not exist|is not permitted to log in)", NO_USER),
    (r"no such user\b", NO_USER),
    (r"tenant or user not found", POOLER_USER),
    (r"(\(E\w+\) )?tenant/user .+ not found", POOLER_USER),
    (r"database \".*\" does not exist", NO_DATABASE),
    (r"no such database\b", NO_DATABASE),
    (r"(the )?(requested )?endpoint (ID )?(is|has been|could not|cannot|can't|not)\b", NO_ENDPOINT),
    (r"(this )?IP address .+ is not allowed", NO_ENTRY),
    (r"(\(E\w+\) )?address not in tenant allow_list", NO_ENTRY),
    (r"(SSL|TLS) connection is required", WANTS_TLS),
    (r"(\(E\w+\) )?(SSL|TLS) (connection )?(is )?required", WANTS_TLS),
    (r"connection is insecure", WANTS_TLS),
    (r"server does not support SSL", NO_TLS),
    (r"channel binding (is )?required", NO_BINDING),
    (r"root certificate file .+ does not exist", NO_ROOT),
    (r"could not get home directory to locate root certificate", NO_ROOT),
    (r"weak sslmode ", WEAK_MODE),
    (r"SSL error: certificate verify failed", BAD_CERTIFICATE),
    (r"server certificate for .+ does not match host name", OTHER_NAME),
    (r"could not get server's host name from server certificate", OTHER_NAME),
    (r"SSL error: .*(wrong version number|unsupported protocol|no protocols available|alert)", TLS_FAILS),
    (r"could not (read|load|open) (root |server |client )?(certificate|private key)", TLS_FAILS),
    (r"(unsupported|unrecognized|invalid) (startup|configuration) parameter", STARTUP_OPTION),
    (r"received invalid response to (SSL|GSSAPI) negotiation", NO_POSTGRES),
    (r"expected authentication request from server", NO_POSTGRES),
    (r"unsupported frontend protocol", NO_POSTGRES),
    (r"could not translate host name .+: (temporary failure|.*try again)", NO_NAMES),
    (r"could not translate host name", NO_HOST),
    (r"connection refused", REFUSED),
    (r"(connection timed out|timeout expired)", NO_ANSWER),
    (r"no such file or directory", NO_SOCKET),
    (r"(network is unreachable|cannot assign requested address|no route to host|address family not supported)", NO_ANSWER),
    (r"sorry, too many clients already", NO_ROOM),
    (r"remaining connection slots are reserved", NO_ROOM),
    (r"too many connections for ", NO_ROOM),
    (r"(\(E\w+\) )?max ?client(s|s? connections)? ?(in session mode: )?.*reached", NO_ROOM),
    (r"no more connections allowed", NO_ROOM),
    (r"invalid (dsn|sslmode|channel_binding|\w+ value|port number|integer value|URI|connection option|percent-encoded)", UNREAD),
    (r"missing \"=\" after", UNREAD),
)  # fmt: skip
NOWHERE = re.compile(
    r"network is unreachable|cannot assign requested address|no route to host|address family not", re.I
)
OTHER_LANGUAGES: tuple[
    tuple[str, Trouble], ...
] = (  # German, French, Spanish, Italian, Russian, Japanese, Chinese, Korean
    (r"Passwort-Authentifizierung für Benutzer .+ fehlgeschlagen", LOGIN),
    (r"authentification par mot de passe échouée pour", LOGIN),
    (r"la autentificación password falló para", LOGIN),
    (r"autenticazione con password fallita per", LOGIN),
    (r"пользователь .+ не прошёл проверку подлинности", LOGIN),
    (r"ユーザー.+のパスワード認証に失敗", LOGIN),
    (r"用户.+认证失败", LOGIN),
    (r"사용자 .+ 인증을 실패", LOGIN),
    (r"Rolle .+ existiert nicht", NO_USER),
    (r"le rôle .+ n'existe pas", NO_USER),
    (r"no existe el rol", NO_USER),
    (r"il ruolo .+ non esiste", NO_USER),
    (r"роль .+ не существует", NO_USER),
    (r"ロール.+は存在しません", NO_USER),
    (r"角色 .+ 不存在", NO_USER),
    (r".+ 롤\(role\) 없음", NO_USER),
    (r"Datenbank .+ existiert nicht", NO_DATABASE),
    (r"la base de données .+ n'existe pas", NO_DATABASE),
    (r"no existe la base de datos", NO_DATABASE),
    (r"il database .+ non esiste", NO_DATABASE),
    (r"база данных .+ не существует", NO_DATABASE),
    (r"データベース.+は存在しません", NO_DATABASE),
    (r"数据库 .+ 不存在", NO_DATABASE),
    (r".+ 데이터베이스 없음", NO_DATABASE),
)
UNENCRYPTED = re.compile(r"no encryption|SSL off|keine Verschlüsselung|aucun chiffrement|sin cifrado|nessuna crittografia"
                         r"|без шифрования|暗号化なし|암호화 안함")  # fmt: skip
KNOWN = tuple((re.compile(words, re.I), trouble) for words, trouble in WORDS + OTHER_LANGUAGES)

STATES: tuple[tuple[str, Trouble], ...] = (  # the beginning of an SQLSTATE, the longer ones first
    ("28P01", LOGIN),
    ("28", NO_USER),
    ("3D", NO_DATABASE),
    ("25006", Trouble(
        "The database takes no changes (read-only): a spent plan, a full disk or a standby server can be the reason."
    )),
    ("25P03", BROKEN),  # idle for longer than limits.py allows: the machine slept
    ("42501", Trouble("The user in DATABASE_URL may not create tables or write to them.")),
    ("53300", NO_ROOM),
    ("53100", Trouble("The database is out of space; nothing was recorded. Make room or move to a larger plan.")),
    ("53200", Trouble("The database is out of memory; nothing was recorded. Move to a larger plan, or import less at once.")),
    ("57014", Trouble(
        "A statement took longer than it may (etl/limits.py), or somebody cancelled it; nothing of it was kept. An overloaded"
        " database can be the reason; the next run tries again."
    )),
    (LOCK_NOT_AVAILABLE, Trouble("Another session holds what a statement needs, and does not let go. Run this again later.")),
    ("57P04", Trouble("The database was dropped while the program was at work.")),
    ("57P", BROKEN),
    ("08", BROKEN),
    ("40001", BROKEN),
    ("40P01", BROKEN),
)  # fmt: skip
# Codes that say too little: what hosts and poolers answer in Postgres's stead, and refusals that have several reasons.
VAGUE_STATES = ("XX000", "08", "53000", "28000", "28P01", "42704")

ADDRESS = re.compile(
    r"^(?:could not connect to server: |connection to server (?:at|on socket) \"(?P<place>[^\"]*)\"(?: \((?P<ip>[^)]*)\))?(?:, port \d+)? failed: )"
)
SEVERITY = re.compile(r"^(?:[^\W\d_]{2,20}: {1,3})+(?=\S)")  # FATAL:  and, of Neon, another ERROR: behind it


@dataclass(frozen=True)
class Message:
    """One message of several: libpq tries every address of a host, with and without TLS, and says of each why not."""

    words: str
    address: str | None


def is_passing(error: Exception) -> bool:
    """Whether trying again can help."""
    return trouble_of(error).can_pass


def sentence_about(error: Exception, name: str = "DATABASE_URL") -> str:
    """What happened, in words that hold nothing secret: the driver's own quote addresses, and values of rows.

    `name`: the setting or option that has the database's address; the sentences above are written for DATABASE_URL.
    """
    return trouble_of(error).sentence.replace("DATABASE_URL", name)


def state_of(error: Exception) -> str | None:
    """The SQLSTATE of an error; None when libpq said nothing of one."""
    state = getattr(driver_error_of(error), "pgcode", None)
    return str(state) if state else None


def driver_error_of(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def trouble_of(error: Exception) -> Trouble:
    """What is known of an error of the driver."""
    driver_error = driver_error_of(error)
    if isinstance(driver_error, AnswerTimeout):
        return SILENT
    state = state_of(error)
    if state is None or state.startswith(VAGUE_STATES):
        found = trouble_in(str(driver_error))
        if found or state is None:
            is_programming = isinstance(driver_error, psycopg2.ProgrammingError)
            return found or (
                UNREAD if is_programming else BROKEN if is_lost(driver_error) else refused(driver_error, state)
            )
    known = next((trouble for beginning, trouble in STATES if state.startswith(beginning)), None)
    return known or refused(driver_error, state)


def is_lost(driver_error: BaseException | None) -> bool:
    """Whether there is no connection (any more): over TLS nothing else tells."""
    return isinstance(driver_error, psycopg2.OperationalError | psycopg2.InterfaceError)


def refused(driver_error: BaseException | None, state: str | None) -> Trouble:
    """A statement that Postgres refuses for a reason that is the program's, or the schema's."""
    diagnosis = getattr(driver_error, "diag", None)
    places = [
        f"{kind} {name}"
        for kind in ("table", "column", "constraint")
        if (name := getattr(diagnosis, f"{kind}_name", None))
    ]
    return Trouble(
        f"Postgres refused a statement: {type(driver_error).__name__} ({', '.join([f'SQLSTATE {state}', *places])})."
    )


def trouble_in(words: str) -> Trouble | None:
    """What messages of libpq say; None when they are not known. What can't pass goes before what can."""
    messages = list(messages_in(words))
    if closed := [message for message in messages if "pg_hba.conf" in message.words]:
        return WANTS_TLS if all(UNENCRYPTED.search(message.words) for message in closed) else NO_ENTRY
    nowhere = [message for message in messages if NOWHERE.match(message.words)]
    if nowhere and len(nowhere) == len(messages) and all(":" in (message.address or "") for message in nowhere):
        return ONLY_IPV6
    others = [message for message in messages if message not in nowhere] or nowhere
    told = (next((trouble for row, trouble in KNOWN if row.match(message.words)), None) for message in others)
    return min(filter(None, told), key=lambda trouble: trouble.can_pass, default=None)


def messages_in(words: str) -> Iterator[Message]:
    """The messages in an error's text, each without where it comes from and how severe it is."""
    for line in words.splitlines():
        if line.startswith(("\t", " ")) or not line.strip():
            continue  # a hint
        place = ADDRESS.match(line)
        address = (place["ip"] or place["place"]) if place else None
        yield Message(SEVERITY.sub("", ADDRESS.sub("", line)).strip(), address)
