"""Signing in by the house's own accounts, against a real OpenID Connect provider and a real LDAP directory."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time

import pytest
import requests
from django.contrib.auth import authenticate
from ldap3 import Connection, Server

from tests.journeys.service import Service, free_port, wait_for
from zoo import accounts, signin
from zoo.models import Namespace, User

SLAPD = "/usr/sbin/slapd"
CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
database mdb
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw a-secret-of-the-house
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""


@pytest.fixture(scope="module")
def directory():
    """The address of an LDAP server with one person, Mei."""
    if not os.path.exists(SLAPD):
        pytest.skip("there is no slapd: apt-get install slapd")
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/data")
        with open(f"{folder}/slapd.conf", "w") as out:
            out.write(CONFIG.format(folder=folder))
        url = f"ldap://127.0.0.1:{free_port()}"
        process = subprocess.Popen([SLAPD, "-f", f"{folder}/slapd.conf", "-h", url, "-d", "0"])
        try:
            admin = Connection(Server(url), "cn=admin,dc=example", "a-secret-of-the-house")
            for _ in range(100):
                with contextlib.suppress(Exception):
                    if admin.bind():
                        break
                time.sleep(0.1)
            admin.add("dc=example", ["dcObject", "organization"], {"o": "The hospital", "dc": "example"})
            admin.add("ou=people,dc=example", "organizationalUnit")
            person = {
                "cn": "Mei",
                "sn": "Tanaka",
                "mail": "mei@hospital.example",
                "userPassword": "correct horse battery",
            }
            for name in ("mei", "operator"):
                assert admin.add(f"uid={name},ou=people,dc=example", "inetOrgPerson", person), admin.result
            admin.unbind()
            yield url
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(params=["by name", "by looking"])
def ldap(request, directory, settings):
    settings.LDAP_URL = directory
    if request.param == "by name":
        settings.LDAP_BIND = "uid={username},ou=people,dc=example"
    else:
        settings.LDAP_BASE = "ou=people,dc=example"
        settings.LDAP_USER, settings.LDAP_PASSWORD = "cn=admin,dc=example", "a-secret-of-the-house"


@pytest.mark.django_db
def test_a_person_of_the_directory_signs_in_and_has_a_namespace(ldap, client):
    answer = client.post("/accounts/login/", {"login": "mei", "password": "correct horse battery"})
    assert answer.status_code == 302, answer.content
    mei = User.objects.get(username="mei")
    assert mei.email == "mei@hospital.example" and Namespace.objects.get(name="mei").user == mei
    assert not mei.is_superuser and not mei.has_usable_password()
    assert authenticate(username="mei", password="correct horse battery") == mei
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "password"),
    [("mei", "wrong"), ("mei", ""), ("nobody", "correct horse battery"), ("*", "correct horse battery"),
     ("mei,ou=people", "correct horse battery"), ("mei)(uid=*", "correct horse battery"), ("", "")],
)  # fmt: skip
def test_nobody_else_does(ldap, name, password):
    assert authenticate(username=name, password=password) is None
    assert User.objects.count() == 0


@pytest.mark.django_db
def test_the_directory_opens_no_account_that_has_a_password_here(ldap):
    accounts.create_user("operator", password="another pass-phrase", operator=True)
    assert authenticate(username="operator", password="correct horse battery") is None
    assert authenticate(username="operator", password="another pass-phrase").is_superuser


@pytest.mark.django_db
def test_a_directory_that_is_away_keeps_nobody_else_out(settings):
    settings.LDAP_URL, settings.LDAP_BIND = f"ldap://127.0.0.1:{free_port()}", "uid={username},dc=example"
    local = accounts.create_user("local", password="another pass-phrase")
    assert authenticate(username="mei", password="x") is None
    assert authenticate(username="local", password="another pass-phrase") == local


@pytest.mark.django_db
def test_a_name_from_elsewhere_becomes_one_that_may_be_one_here():
    assert signin.free_name("Mei.Tanaka") == "mei.tanaka"
    assert signin.free_name("api") == "api2"  # reserved
    assert signin.free_name("..  ") == "user"
    accounts.create_user("mei.tanaka")
    assert signin.free_name("mei.tanaka") == "mei.tanaka2"


PROVIDER = """
import sys, time, oidc_provider_mock as mock
claims = {"preferred_username": "Mei Tanaka", "email": "mei@hospital.example"}
with mock.run_server_in_thread(int(sys.argv[1]), user_claims=[mock.User(sub="mei", claims=claims)]):
    time.sleep(600)
"""


def test_single_sign_on_with_openid_connect(tmp_path):
    port = free_port()
    provider = subprocess.Popen([sys.executable, "-c", PROVIDER, str(port)], stderr=subprocess.DEVNULL)
    issuer = f"http://localhost:{port}"
    house = {
        "KENSA_OIDC_URL": issuer, "KENSA_OIDC_CLIENT": "kensa", "KENSA_OIDC_SECRET": "a secret of both",
        "KENSA_OIDC_NAME": "The hospital", "KENSA_SIGNUP": "closed",
    }  # fmt: skip
    try:
        wait_for(lambda: requests.get(f"{issuer}/.well-known/openid-configuration", timeout=2).ok, 30)
        with Service(tmp_path, **house) as service:
            browser = requests.Session()
            page = browser.get(service.url + "/accounts/login/", timeout=30).text
            assert "Sign in with The hospital" in page
            action = re.search(r'action="(/accounts/oidc/[^"]+)"', page)[1].replace("&amp;", "&")
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
            form = browser.post(service.url + action, {"csrfmiddlewaretoken": token}, timeout=30)
            assert form.url.startswith(issuer), form.text[:500]
            done = browser.post(form.url, {"sub": "mei", "action": "authorize"}, timeout=30)
            assert done.url.startswith(service.url) and "mei-tanaka" in done.text, done.text[-2000:]
            assert browser.get(service.url + "/settings/tokens/", timeout=30).url.endswith("/settings/tokens/")
            assert service.get("/mei-tanaka/").status_code == 200
    finally:
        provider.terminate()
        provider.wait()
