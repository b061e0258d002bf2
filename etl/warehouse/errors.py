"""Turn a driver error into a message for the person, and decide whether a retry can help.

The SQLSTATE decides where there is one. libpq reports none while connecting, so there the text has to do: host, port
and severity are cut off, and the rest is matched from its beginning. Of servers that run in another language, only the
refusals that a wrong URL causes are recognized (OTHER_LANGUAGES); any other text counts as a temporary failure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
from sqlalchemy.exc import DBAPIError

MISSING_STATES = ("3F000", "42703", "42883", "42P01")  # no such schema, column, function, table
LOCK_NOT_AVAILABLE = "55P03"
# SQLSTATEs caused by a value of the batch: cardinality (21), data exceptions (22), not-null and check violations (23),
# and values too large for an index (54). Errors of the database itself, such as an exhausted sequence, are left out.
ABOUT_VALUES = {
    *("21000", "22001", "22003", "22007", "22008", "22021", "22023", "22P02", "22P03", "22P04", "22P05"),
    *("23502", "23514", "54000"),
}


class WarehouseError(Exception):
    """The database could not be reached or refused a statement. The message holds no URL, password or value of a row.

    `is_reached`: the database answered, and refused a statement.
    """

    def __init__(self, message: str, *, is_reached: bool = False) -> None:
        self.is_reached = is_reached
        super().__init__(message)


class ValuesRefused(WarehouseError):
    """Postgres rejected a value, not the statement: the rest of the batch can be saved without it."""


class AnswerTimeout(psycopg2.OperationalError):
    """The server neither answered nor cancelled a statement within its timeout."""


@dataclass(frozen=True)
class Diagnosis:
    """The message for an error, and whether a retry can help."""

    sentence: str
    can_pass: bool = False


OPTION = "DATABASE_URL can't be read by the Postgres driver; check the part after the question mark."
PERCENT = (
    "Percent-encode all characters of the password other than letters and digits: @ as %40, / as %2F, # as %23, ?"
    " as %3F, % as %25."
)
QUOTA = Diagnosis(
    "The database's host reports that a quota of your plan is used up. Nothing can be recorded until the quota is"
    " renewed or you move to a larger plan."
)
LOGIN = Diagnosis(f"The database refuses the user or password in DATABASE_URL. {PERCENT}")
NO_PASSWORD = Diagnosis("The database requires a password, and DATABASE_URL has none.")
NO_USER = Diagnosis("The database does not know the user in DATABASE_URL, or does not let it log in.")
POOLER_USER = Diagnosis(
    "The pooler at the host in DATABASE_URL does not know the user. Copy the connection string from your"
    " host's dashboard again: at Supabase the user is postgres.PROJECT, and each region has its own host name. A paused"
    " project is unknown, too."
)
NO_DATABASE = Diagnosis("The server answers, but the database that DATABASE_URL names does not exist there.")
NO_ENDPOINT = Diagnosis(
    "The server answers, but the database or endpoint that DATABASE_URL names does not exist there, or is disabled."
)
NO_ENTRY = Diagnosis(
    "The server does not accept this user from this IP address. Add the address to the host's allow list. GitHub's"
    " runners have changing addresses, so for them the list has to allow all."
)
WANTS_TLS = Diagnosis("The server accepts encrypted connections only. Add ?sslmode=require to DATABASE_URL.")
NO_TLS = Diagnosis("DATABASE_URL asks for TLS (sslmode), but the server does not offer it.")
NO_BINDING = Diagnosis(
    "DATABASE_URL asks for channel binding (channel_binding), which the server does not support. Remove it from"
    " DATABASE_URL; the sslmode verify-full with sslrootcert=system also verifies the server."
)
NO_ROOT = Diagnosis(
    "DATABASE_URL asks to verify the server's certificate (sslmode), but this computer has no file of root certificates"
    " for it. Add sslrootcert=system to DATABASE_URL to use the system's."
)
WEAK_MODE = Diagnosis("DATABASE_URL has sslrootcert=system, which requires the sslmode verify-full. Set that, too.")
BAD_CERTIFICATE = Diagnosis(
    "The server's certificate can't be verified: it is not signed by an authority that this computer trusts. Save the"
    " host's root certificate to a file and name it in DATABASE_URL (sslrootcert=FILE), or use sslmode=require, which"
    " encrypts without verifying."
)
OTHER_NAME = Diagnosis(
    "The server's certificate is for another host than the one in DATABASE_URL. Use the host name in the certificate,"
    " or sslmode=verify-ca."
)
TLS_FAILS = Diagnosis("The TLS handshake failed: no common TLS version, or a certificate or key file can't be used.")
STARTUP_OPTION = Diagnosis(
    "The pooler at the host refuses a startup option in DATABASE_URL (such as options=…). Remove it, or use the"
    " host's direct address."
)
NO_POSTGRES = Diagnosis(
    "The server at the host and port in DATABASE_URL is not Postgres. Check the port; the default is 5432."
)
NO_HOST = Diagnosis("The host in DATABASE_URL can't be found. Check its spelling.")
NO_NAMES = Diagnosis(
    "The host in DATABASE_URL can't be found: name resolution (DNS) fails on this computer right now.", can_pass=True
)
ONLY_IPV6 = Diagnosis(
    "The host in DATABASE_URL has only an IPv6 address, and this computer has no IPv6 (GitHub's runners have none)."
    " Use the host's IPv4 address: at Supabase that of the pooler."
)
REFUSED = Diagnosis("Nothing listens at the host and port in DATABASE_URL: the connection is refused.", can_pass=True)
NO_ANSWER = Diagnosis("The host in DATABASE_URL does not answer in time.", can_pass=True)
NO_SOCKET = Diagnosis("No Postgres listens on the socket that DATABASE_URL names.", can_pass=True)
NO_ROOM = Diagnosis("The database has no free connection: too many are open.", can_pass=True)
BROKEN = Diagnosis("The database can't be reached, or the connection broke.", can_pass=True)
UNREAD = Diagnosis(OPTION)
SILENT = Diagnosis("The database accepted a statement but did not answer in time. The next run tries again.")

PATTERNS: tuple[tuple[str, Diagnosis], ...] = (  # patterns for the beginning of a message, ignoring case
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
    (r"(network is unreachable|cannot assign requested address"
     r"|no route to host|address family not supported)", NO_ANSWER),
    (r"sorry, too many clients already", NO_ROOM),
    (r"remaining connection slots are reserved", NO_ROOM),
    (r"too many connections for ", NO_ROOM),
    (r"(\(E\w+\) )?max ?client(s|s? connections)? ?(in session mode: )?.*reached", NO_ROOM),
    (r"no more connections allowed", NO_ROOM),
    (r"invalid (dsn|sslmode|channel_binding|\w+ value|port number|integer value|URI|connection option"
     r"|percent-encoded)", UNREAD),
    (r"missing \"=\" after", UNREAD),
)  # fmt: skip
NOWHERE = re.compile(
    r"network is unreachable|cannot assign requested address|no route to host|address family not", re.I
)
OTHER_LANGUAGES: tuple[
    tuple[str, Diagnosis], ...
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
UNENCRYPTED = re.compile(r"no encryption|SSL off|keine Verschlüsselung|aucun chiffrement|sin cifrado"
                         r"|nessuna crittografia|без шифрования|暗号化なし|암호화 안함")  # fmt: skip
KNOWN = tuple((re.compile(pattern, re.I), diagnosis) for pattern, diagnosis in PATTERNS + OTHER_LANGUAGES)

STATES: tuple[tuple[str, Diagnosis], ...] = (  # the beginning of an SQLSTATE, the longer ones first
    ("28P01", LOGIN),
    ("28", NO_USER),
    ("3D", NO_DATABASE),
    ("25006", Diagnosis(
        "The database is read-only: possible reasons are a used-up plan, a full disk or a standby server."
    )),
    ("25P03", BROKEN),  # idle longer than limits.py allows: the computer was asleep
    ("42501", Diagnosis("The user in DATABASE_URL may not create tables or write to them.")),
    ("53300", NO_ROOM),
    ("53100", Diagnosis("The database is out of space; nothing was recorded. Make room or move to a larger plan.")),
    ("53200", Diagnosis(
        "The database is out of memory; nothing was recorded. Move to a larger plan, or import less at once."
    )),
    ("57014", Diagnosis(
        "A statement exceeded its timeout (etl/limits.py) or was cancelled, and was rolled back. The database may be"
        " overloaded; the next run tries again."
    )),
    (LOCK_NOT_AVAILABLE, Diagnosis(
        "Another session holds a lock that a statement needs, and does not release it. Run this again later."
    )),
    ("57P04", Diagnosis("The database was dropped while the program was running.")),
    ("57P", BROKEN),
    ("08", BROKEN),
    ("40001", BROKEN),
    ("40P01", BROKEN),
)  # fmt: skip
# Ambiguous codes, whose text is read too: answers of hosts and poolers, and refusals with several possible reasons.
VAGUE_STATES = ("XX000", "08", "53000", "28000", "28P01", "42704")

ADDRESS = re.compile(
    r"^(?:could not connect to server: |connection to server (?:at|on socket) \"(?P<place>[^\"]*)\""
    r"(?: \((?P<ip>[^)]*)\))?(?:, port \d+)? failed: )"
)
SEVERITY = re.compile(r"^(?:[^\W\d_]{2,20}: {1,3})+(?=\S)")  # FATAL: and, from Neon, a second ERROR: after it


@dataclass(frozen=True)
class Message:
    """One line of a libpq error: it tries every address of a host, with and without TLS, and reports each failure."""

    text: str
    address: str | None


def is_passing(error: Exception) -> bool:
    """Whether a retry can help."""
    return diagnosis_of(error).can_pass


def sentence_about(error: Exception, name: str = "DATABASE_URL") -> str:
    """The message for an error, without the driver's own text, which may quote URLs and values of rows.

    `name`: the setting or option that holds the database's URL; it replaces DATABASE_URL in the messages above.
    """
    return diagnosis_of(error).sentence.replace("DATABASE_URL", name)


def state_of(error: Exception) -> str | None:
    """The SQLSTATE of an error; None if libpq reported none."""
    state = getattr(driver_error_of(error), "pgcode", None)
    return str(state) if state else None


def driver_error_of(error: Exception) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def diagnosis_of(error: Exception) -> Diagnosis:
    """The diagnosis of a driver error, by its SQLSTATE or else by its text."""
    driver_error = driver_error_of(error)
    if isinstance(driver_error, AnswerTimeout):
        return SILENT
    state = state_of(error)
    if state is None or state.startswith(VAGUE_STATES):
        recognized = diagnosis_in(str(driver_error))
        if recognized or state is None:
            is_programming = isinstance(driver_error, psycopg2.ProgrammingError)
            return recognized or (
                UNREAD if is_programming else BROKEN if is_lost(driver_error) else refused(driver_error, state)
            )
    known = next((diagnosis for beginning, diagnosis in STATES if state.startswith(beginning)), None)
    return known or refused(driver_error, state)


def is_lost(driver_error: BaseException | None) -> bool:
    """Whether the connection is lost. Over TLS the type of the error is the only sign."""
    return isinstance(driver_error, psycopg2.OperationalError | psycopg2.InterfaceError)


def refused(driver_error: BaseException | None, state: str | None) -> Diagnosis:
    """The diagnosis of a statement that Postgres refuses because of the program or the schema."""
    diagnosis = getattr(driver_error, "diag", None)
    places = [
        f"{kind} {name}"
        for kind in ("table", "column", "constraint")
        if (name := getattr(diagnosis, f"{kind}_name", None))
    ]
    return Diagnosis(
        f"Postgres refused a statement: {type(driver_error).__name__} ({', '.join([f'SQLSTATE {state}', *places])})."
    )


def diagnosis_in(text: str) -> Diagnosis | None:
    """The diagnosis of libpq's text; None if no line is recognized. A permanent error wins over a temporary one."""
    messages = list(messages_in(text))
    if closed := [message for message in messages if "pg_hba.conf" in message.text]:
        return WANTS_TLS if all(UNENCRYPTED.search(message.text) for message in closed) else NO_ENTRY
    nowhere = [message for message in messages if NOWHERE.match(message.text)]
    if nowhere and len(nowhere) == len(messages) and all(":" in (message.address or "") for message in nowhere):
        return ONLY_IPV6
    others = [message for message in messages if message not in nowhere] or nowhere
    diagnoses = (next((diagnosis for row, diagnosis in KNOWN if row.match(message.text)), None) for message in others)
    return min(filter(None, diagnoses), key=lambda diagnosis: diagnosis.can_pass, default=None)


def messages_in(text: str) -> Iterator[Message]:
    """The messages in an error's text, without server address and severity."""
    for line in text.splitlines():
        if line.startswith(("\t", " ")) or not line.strip():
            continue  # a hint
        place = ADDRESS.match(line)
        address = (place["ip"] or place["place"]) if place else None
        yield Message(SEVERITY.sub("", ADDRESS.sub("", line)).strip(), address)
