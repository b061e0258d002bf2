"""What a database, a pooler or a host answers is told apart by its code and by whole sentences, never by a word in it."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import psycopg2
import pytest
import trustme
from sqlalchemy.engine import make_url
from support import in_cluster

from etl.settings import address_error
from etl.warehouse import errors as database_errors
from etl.warehouse.connection import TRIES, Warehouse
from etl.warehouse.errors import KNOWN, Diagnosis, WarehouseError, is_passing, sentence_about

TLS_REQUEST, GSS_REQUEST = 80877103, 80877104


class Stand:
    """Speaks enough of Postgres's protocol to refuse a connection. `attempt_count`: how often it was tried."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None) -> None:
        self.answer, self.context = answer, context
        self.attempt_count = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.attempt_count += 1
            with suppress(OSError):
                self.talk(client)

    def talk(self, client: socket.socket) -> None:
        with ExitStack() as open_sockets:
            open_sockets.enter_context(client)
            while len(head := client.recv(8)) == 8:
                length, code = struct.unpack("!II", head)
                if code == TLS_REQUEST and self.context:
                    client.sendall(b"S")
                    client = open_sockets.enter_context(self.context.wrap_socket(client, server_side=True))
                elif code in (TLS_REQUEST, GSS_REQUEST):
                    client.sendall(b"N")
                else:
                    client.recv(length - 8)
                    client.sendall(self.answer)
                    client.recv(1)
                    return


def refusal(words: str, state: str = "XX000", severity: str = "FATAL") -> bytes:
    body = b"".join(
        mark + value.encode() + b"\0"
        for mark, value in ((b"S", severity), (b"V", "FATAL"), (b"C", state), (b"M", words))
    )
    return b"E" + struct.pack("!I", len(body) + 5) + body + b"\0"


@pytest.fixture
def stand() -> Iterator[Callable[..., Stand]]:
    stands = []

    def made(answer: bytes, context: ssl.SSLContext | None = None) -> Stand:
        stands.append(Stand(answer, context))
        return stands[-1]

    yield made
    for one in stands:
        one.server.close()


@pytest.fixture(autouse=True)
def no_pauses_between_tries(monkeypatch) -> None:
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", lambda seconds: None)


def said_of(url: str) -> str:
    with closing(Warehouse(url)) as warehouse, pytest.raises(WarehouseError) as raised:
        warehouse.pending()
    return str(raised.value)


D = database_errors
FROM_A_SERVER = [  # what it says, with which code, what is wrong
    ("Your account or project has exceeded the quota. Upgrade your plan to increase limits.", "53000", D.QUOTA),
    ("Your project has exceeded the data transfer quota. Upgrade your plan to increase limits.", "XX000", D.QUOTA),
    ("Your project has exceeded the active time quota. Upgrade your plan to increase limits.", "XX000", D.QUOTA),
    ("Your account or project has exceeded the compute time quota. Upgrade your plan.", "XX000", D.QUOTA),
    ("Couldn't start the compute node; check your quotas", "XX000", D.QUOTA),
    ("Tenant or user not found", "XX000", D.POOLER_USER),
    ("(ENOTFOUND) tenant/user postgres.abc not found", "XX000", D.POOLER_USER),
    ('no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption', "28000", D.WANTS_TLS),
    ('no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", SSL off', "28000", D.WANTS_TLS),
    ('no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", SSL encryption', "28000", D.NO_ENTRY),
    ('pg_hba.conf rejects connection for host "1.2.3.4", user "u", database "d", SSL encryption', "28000", D.NO_ENTRY),
    ("This IP address 1.2.3.4 is not allowed to connect to this endpoint.", "XX000", D.NO_ENTRY),
    ("Address not in tenant allow_list: {1, 2, 3, 4}", "XX000", D.NO_ENTRY),
    ("connection is insecure (try using `sslmode=require`)", "XX000", D.WANTS_TLS),
    ("SSL connection is required. Please specify SSL options and retry.", "28000", D.WANTS_TLS),
    ("SSL required", "08P01", D.WANTS_TLS),
    ("no such user: u", "08P01", D.NO_USER),
    ("no such database: d", "08P01", D.NO_DATABASE),
    ("unsupported startup parameter: options", "08P01", D.STARTUP_OPTION),
    ("SASL authentication failed", "08P01", D.LOGIN),
    ('password authentication failed for user "u"', "28P01", D.LOGIN),
    ("empty password returned by client", "28P01", D.NO_PASSWORD),
    ('role "u" does not exist', "28000", D.NO_USER),
    ('role "u" is not permitted to log in', "28000", D.NO_USER),
    ('database "d" does not exist', "3D000", D.NO_DATABASE),
    ("The endpoint is disabled. Enable it using the API and retry.", "XX000", D.NO_ENDPOINT),
    ("The requested endpoint could not be found, or you don't have access to it", "XX000", D.NO_ENDPOINT),
    ("Endpoint ID is not specified.", "XX000", D.NO_ENDPOINT),
    ("sorry, too many clients already", "53300", D.NO_ROOM),
    ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "53300", D.NO_ROOM),
    ('too many connections for role "u"', "53300", D.NO_ROOM),
    ("Max client connections reached", "XX000", D.NO_ROOM),
    ("(EMAXCONNSESSION) max clients reached in session mode", "XX000", D.NO_ROOM),
    ("no more connections allowed (max_client_conn)", "08P01", D.NO_ROOM),
    ("the database system is starting up", "57P03", D.BROKEN),
    ("Control plane request failed", "XX000", D.BROKEN),
    ("Couldn't connect to compute node", "XX000", D.BROKEN),
    ("server login has been failing, try again later (server_login_retry)", "08P01", D.BROKEN),
    # Words of another matter within: none of these is what they sound like.
    ("the endpoint of this password does not exist in our authentication cache yet, quota check pending", "XX000", D.BROKEN),
    # Servers that speak other languages. German as in the issue; each of the others in one of its refusals.
    ("Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", "28P01", D.LOGIN),
    ("Rolle »u« existiert nicht", "28000", D.NO_USER),
    ("Datenbank »d« existiert nicht", "3D000", D.NO_DATABASE),
    ("kein pg_hba.conf-Eintrag für Host »h«, Benutzer »u«, Datenbank »d«, keine Verschlüsselung", "28000", D.WANTS_TLS),
    ("kein pg_hba.conf-Eintrag für Host »h«, Benutzer »u«, Datenbank »d«, SSL-Verschlüsselung", "28000", D.NO_ENTRY),
    ("das Datenbanksystem startet", "57P03", D.BROKEN),
    ("authentification par mot de passe échouée pour l'utilisateur  « u »", "28P01", D.LOGIN),
    ("le rôle « u » n'existe pas", "28000", D.NO_USER),
    ("la base de données « d » n'existe pas", "3D000", D.NO_DATABASE),
    ("la autentificación password falló para el usuario «u»", "28P01", D.LOGIN),
    ("no existe el rol «u»", "28000", D.NO_USER),
    ("no existe la base de datos «d»", "3D000", D.NO_DATABASE),
    ('autenticazione con password fallita per l\'utente "u"', "28P01", D.LOGIN),
    ('il ruolo "u" non esiste', "28000", D.NO_USER),
    ('il database "d" non esiste', "3D000", D.NO_DATABASE),
    ('пользователь "u" не прошёл проверку подлинности (по паролю)', "28P01", D.LOGIN),
    ('роль "u" не существует', "28000", D.NO_USER),
    ('база данных "d" не существует', "3D000", D.NO_DATABASE),
    ('ユーザー"u"のパスワード認証に失敗しました', "28P01", D.LOGIN),
    ('ロール"u"は存在しません', "28000", D.NO_USER),
    ('データベース"d"は存在しません', "3D000", D.NO_DATABASE),
    ('用户 "u" Password 认证失败', "28P01", D.LOGIN),
    ('角色 "u" 不存在', "28000", D.NO_USER),
    ('数据库 "d" 不存在', "3D000", D.NO_DATABASE),
    ("사용자 \"u\"의 password 인증을 실패했습니다", "28P01", D.LOGIN),
    ('"u" 롤(role) 없음', "28000", D.NO_USER),
    ('"d" 데이터베이스 없음', "3D000", D.NO_DATABASE),
]  # fmt: skip
AT = 'connection to server at "h" (10.0.0.1), port 5432 failed: '
AT_6 = 'connection to server at "h" (2a05:d014::1), port 5432 failed: '
HINT = "\n\tIs the server running on that host and accepting TCP/IP connections?\n"
FROM_LIBPQ = [  # what it says by itself, what is wrong
    (AT + "fe_sendauth: no password supplied\n", D.NO_PASSWORD),
    (AT + "Connection refused" + HINT, D.REFUSED),
    (AT + "timeout expired\n", D.NO_ANSWER),
    (AT + "Connection timed out" + HINT, D.NO_ANSWER),
    (AT + "Network is unreachable" + HINT, D.NO_ANSWER),
    (AT_6 + "Network is unreachable" + HINT, D.ONLY_IPV6),
    (AT_6 + "Cannot assign requested address" + HINT, D.ONLY_IPV6),
    (AT_6 + "No route to host" + HINT + AT_6 + "Network is unreachable" + HINT, D.ONLY_IPV6),
    (AT_6 + "Network is unreachable" + HINT + AT + "Connection refused" + HINT, D.REFUSED),
    (AT_6 + "Network is unreachable" + HINT + AT + 'FATAL:  database "d" does not exist\n', D.NO_DATABASE),
    (AT + 'FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", SSL encryption\n'
     + AT + 'FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption\n', D.NO_ENTRY),
    (AT + "ERROR:  ERROR: The endpoint has been disabled. Enable it and retry.\n", D.NO_ENDPOINT),
    (AT + "SSL error: tlsv1 alert protocol version\n", D.TLS_FAILS),
    (AT + 'could not read root certificate file "/x": no certificate found\n', D.TLS_FAILS),
    (AT + "could not get home directory to locate root certificate file\nEither provide the file", D.NO_ROOT),
    (AT + "could not get server's host name from server certificate\n", D.OTHER_NAME),
    (AT + "received invalid response to SSL negotiation: H\n", D.NO_POSTGRES),
    (AT + "unsupported frontend protocol 3.0: server supports 1.0 to 1.0\n", D.NO_POSTGRES),
    (AT + "server closed the connection unexpectedly\n\tThis probably means", D.BROKEN),
    (AT + "SSL SYSCALL error: EOF detected\n", D.BROKEN),
    ("SSL connection has been closed unexpectedly\n", D.BROKEN),
    ('could not translate host name "h" to address: Name or service not known\n', D.NO_HOST),
    ('could not translate host name "h" to address: Temporary failure in name resolution\n', D.NO_NAMES),
    ('connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory\n\tIs the', D.NO_SOCKET),
    ('missing "=" after "x" in connection info string\n', D.UNREAD),
]  # fmt: skip


def shown(case: object) -> str | None:
    return case[:60] if isinstance(case, str) else "" if isinstance(case, Diagnosis) else None


@pytest.mark.parametrize(("words", "state", "diagnosis"), FROM_A_SERVER, ids=shown)
def test_what_a_server_refuses_is_said_and_tried_again_only_if_it_can_pass(words, state, diagnosis, stand):
    server = stand(refusal(words, state, "SCHWERWIEGEND" if "»" in words else "FATAL"))
    sentence = said_of(f"postgresql://u:hunter2@127.0.0.1:{server.port}/d?sslmode=disable")
    assert sentence.startswith(diagnosis.sentence.removesuffix(".")) and "hunter2" not in sentence
    assert server.attempt_count == (TRIES if diagnosis.can_pass else 1)
    assert sentence.endswith(f" ({TRIES} tries).") is diagnosis.can_pass


@pytest.mark.parametrize(("words", "diagnosis"), FROM_LIBPQ, ids=shown)
def test_what_libpq_says_by_itself_is_put_into_a_sentence(words, diagnosis):
    error = psycopg2.OperationalError(words)
    assert (sentence_about(error), is_passing(error)) == (diagnosis.sentence, diagnosis.can_pass)


def test_each_row_of_the_table_has_a_case():
    known = [words for words, *_ in FROM_A_SERVER] + [words for words, *_ in FROM_LIBPQ] + BY_THE_DRIVER
    messages = [message.text for words in known for message in database_errors.messages_in(words)]
    assert [row.pattern for row, _ in KNOWN if not any(row.match(message) for message in messages)] == []


BY_THE_DRIVER = [  # what the tests below see it say
    "server does not support SSL, but SSL was required",
    "channel binding required, but server authenticated client without channel binding",
    'root certificate file "/x" does not exist',
    'weak sslmode "require" may not be used with sslrootcert=system',
    "SSL error: certificate verify failed",
    'server certificate for "a" does not match host name "b"',
    "expected authentication request from server, but received H",
    'invalid sslmode value: "x"',
]


# TLS, as libpq itself sees it.

NO_SIGN_IN = b"R" + struct.pack("!II", 8, 0)  # let in without a password


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("options", "diagnosis"),
    [
        ("sslmode=require&channel_binding=require", D.NO_BINDING),
        ("sslmode=verify-full&sslrootcert=/no/such/file", D.NO_ROOT),
        ("sslmode=verify-full&sslrootcert=system", D.BAD_CERTIFICATE),
        ("sslmode=verify-full&sslrootcert={root}", D.OTHER_NAME),
        ("sslmode=require&sslrootcert=system", D.WEAK_MODE),
    ],
)
def test_what_is_wrong_with_tls_is_said(options, diagnosis, stand, authority, tmp_path):
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    server = stand(NO_SIGN_IN, context_of(authority, "elsewhere.example"))
    sentence = said_of(f"postgresql://u:hunter2@127.0.0.1:{server.port}/d?{options.format(root=root)}")
    assert sentence == diagnosis.sentence
    assert server.attempt_count <= 1


def test_a_server_without_tls_is_said_to_be(stand):
    server = stand(refusal("not asked"))
    assert said_of(f"postgresql://u:hunter2@127.0.0.1:{server.port}/d?sslmode=require") == D.NO_TLS.sentence
    assert server.attempt_count == 1


def test_what_is_no_postgres_is_said_to_be_none(stand):
    server = stand(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert said_of(f"postgresql://u@127.0.0.1:{server.port}/d?sslmode=disable") == D.NO_POSTGRES.sentence
    assert server.attempt_count == 1


# A code goes before words, whatever language the server speaks.


@pytest.mark.parametrize(
    ("statement", "beginning"),
    [
        ("raise exception using errcode = '25006', message = 'password'", "The database is read-only"),
        ("raise exception using errcode = '42501', message = 'endpoint does not exist'", "The user in DATABASE_URL may not"),
        ("raise exception using errcode = '53100', message = 'quota'", "The database is out of space"),
        ("raise exception using errcode = '53200', message = 'quota'", "The database is out of memory"),
        ("raise exception using errcode = '22012', message = 'Authentifizierung'", "Postgres refused a statement: DivisionByZero"),
        ("raise exception using errcode = '42P01', message = 'database x does not exist'", "Postgres refused a statement: Undef"),
        ("raise exception using errcode = '53000', message = 'Your project has exceeded the data transfer quota.'",
         "The database's host reports that a quota"),
        ("raise exception using errcode = '57P04', message = 'connection refused'", "The database was dropped"),
        ("raise exception using errcode = '55P03', message = 'xyz'", "Another session held rows"),
    ],
)  # fmt: skip
def test_a_code_decides_where_there_is_one(statement, beginning, warehouse):
    tries = []

    def work(connection):
        tries.append(1)
        connection.exec_driver_sql(f"do $$ begin {statement}; end $$")

    with pytest.raises(WarehouseError) as raised:
        warehouse.transaction(work)
    assert str(raised.value).startswith(beginning) and len(tries) == 1


@pytest.mark.parametrize("state", ["40001", "40P01", "08006", "57P01", "53300"])
def test_what_can_pass_by_its_code_is_tried_again(state, warehouse):
    tries = []

    def work(connection):
        tries.append(1)
        connection.exec_driver_sql(
            f"do $$ begin raise exception using errcode = '{state}', message = 'password'; end $$"
        )

    with pytest.raises(WarehouseError, match=rf"\({TRIES} tries\)\.$"):
        warehouse.transaction(work)
    assert len(tries) == TRIES


def test_a_role_that_the_server_does_not_know_is_said(database):
    unknown = make_url(database).set(username="nobody_here").render_as_string(hide_password=False)
    assert said_of(unknown) == D.NO_USER.sentence
    in_cluster(database, "create role no_entry nologin")
    try:
        closed = make_url(database).set(username="no_entry").render_as_string(hide_password=False)
        assert said_of(closed) == D.NO_USER.sentence
    finally:
        in_cluster(database, "drop role no_entry")


# Signs in a password that an address needs for itself.


@pytest.mark.parametrize(
    "rest",
    [
        "u:hush@b@h/d",
        "u:a@b/c@h/d",
        "u:a@b?c@h/d",
        "u:a@b#c@h/d",
        "u:a@b:1@h/d",
        "a@b:p@h/d",
        "a/b:p@h/d",
        "u:a@b@h:5432/d?sslmode=require",
    ],
)
def test_an_unencoded_at_sign_is_said(rest):
    fault = address_error(f"postgresql://{rest}")
    assert fault is not None and "write @ as %40" in fault
    assert "hush" not in fault


@pytest.mark.parametrize("rest", ["u:a/b@h/d", "u:a#b@h/d", "u:a?b@h/d", "u:a%40b@h/d", "u:p@h/d?sslrootcert=/a@b"])
def test_other_signs_are_taken_as_they_are(rest):
    url = make_url(f"postgresql://{rest}")
    assert address_error(f"postgresql://{rest}") is None
    assert (url.username, url.host, url.database) == ("u", "h", "d")


def test_a_wrong_password_points_to_the_signs_in_it(stand):
    server = stand(refusal('password authentication failed for user "u"', "28P01"))
    assert "@ as %40, / as %2F" in said_of(f"postgresql://u:a%41@127.0.0.1:{server.port}/d?sslmode=disable")
