"""`create_token USER --scope read|write|admin`: a token, alone on standard output; the user is made if new."""

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from zoo import accounts, tokens
from zoo.models import Token, User


class Command(BaseCommand):
    help = (
        "Add a token for USER (made if new, without a password) and print it alone. admin: makes the user an operator."
    )

    def add_arguments(self, parser):
        parser.add_argument("user")
        parser.add_argument("--scope", choices=Token.Scope.values, default=Token.Scope.READ)
        parser.add_argument("--name", default="create_token", help="what the token is for")

    @transaction.atomic
    def handle(self, *, user, scope, name, **options):
        person = User.objects.filter(username=user).first()
        operator = scope == Token.Scope.ADMIN
        if person is None:
            try:
                person = accounts.create_user(user, operator=operator)
            except ValidationError as error:
                raise CommandError(f"{user!r} cannot be a user name: {' '.join(error.messages)}") from error
        if not person.is_active:
            raise CommandError(f"{user} is deactivated; a token of theirs would not work.")
        if operator and not person.is_superuser:
            accounts.make_operator(person)
        _, plain = tokens.create(person, name, scope)
        self.stdout.write(plain)
