"""What the zoo's pages ask for."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from zoo.models import Membership, Namespace, Token, User, validate_name


class NewModel(forms.Form):
    namespace = forms.ModelChoiceField(Namespace.objects.none(), to_field_name="name", label="Owner", empty_label=None)
    name = forms.CharField(
        max_length=96,
        validators=[validate_name],
        label="Name",
        help_text="Letters, digits, “-”, “_” and “.”, for example retina-resnet18.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    title = forms.CharField(
        max_length=200, required=False, label="What it does", help_text="One sentence for the catalogue."
    )
    private = forms.BooleanField(required=False, label="Private: only the owner's members see it")


class Visibility(forms.Form):
    private = forms.BooleanField(required=False, label="Private: only the owner's members see it")


class Gate(forms.Form):
    gated = forms.ChoiceField(
        label=gettext_lazy("Files"),
        choices=[
            ("none", gettext_lazy("open to everybody who sees the model")),
            ("auto", gettext_lazy("on request, granted at once: you learn who took them")),
            ("manual", gettext_lazy("on request, granted by an owner")),
        ],
    )

    def clean_gated(self):
        return self.cleaned_data["gated"].replace("none", "")


class Rename(forms.Form):
    name = forms.CharField(max_length=96, validators=[validate_name], label="New name")


class Delete(forms.Form):
    """Deleting needs the model's full name, typed."""

    confirm = forms.CharField(
        label="Type the full name to confirm", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args, name: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.wanted = name

    def clean_confirm(self):
        if self.cleaned_data["confirm"] != self.wanted:
            raise ValidationError(f"This does not read {self.wanted}. Nothing was deleted.")
        return self.wanted


class NewToken(forms.Form):
    name = forms.CharField(
        max_length=100,
        label="What it is for",
        widget=forms.TextInput(attrs={"placeholder": "my workstation", "autocomplete": "off"}),
    )
    scope = forms.ChoiceField(label="What it may do")

    def __init__(self, *args, operator: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        choices = [(Token.Scope.READ, "read: what you can see"), (Token.Scope.WRITE, "write: upload and submit, too")]
        if operator:
            choices.append((Token.Scope.ADMIN, "admin: everything an operator can do"))
        self.fields["scope"].choices = choices


class NewOrganisation(forms.Form):
    name = forms.CharField(
        max_length=96,
        label="Name",
        help_text="The first half of its models' names.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    title = forms.CharField(max_length=200, required=False, label="Full name")


class AddMember(forms.Form):
    user = forms.CharField(max_length=96, label="User name", widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.MEMBER, label="Role")

    def clean_user(self):
        user = User.objects.filter(username=self.cleaned_data["user"], is_active=True).first()
        if user is None:
            raise ValidationError("There is no user of this name. Invite them with a link instead.")
        return user
