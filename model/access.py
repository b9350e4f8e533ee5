"""What a server wants to know of those who ask it."""

from typing import Literal

from pydantic import Field, model_validator

from model.parts import SecretKey, Section
from model.scalars import expected


class Auth(Section):
    """The login of those who ask, as HTTP has it; the password or token is in a Secret."""

    type: Literal["basic", "bearer"] = Field(
        examples=["bearer"], description="`basic`: a user and a password; `bearer`: a token."
    )
    username: str | None = Field(
        default=None, min_length=1, examples=["mesh"], pattern=r"^[^:$\s]+$", description="For `basic`: the user."
    )
    secret: SecretKey | None = Field(
        default=None,
        examples=[{"secret": "prometheus-login", "key": "token"}],
        description="A Secret that exists under this name in each namespace that asks: Tempo's, and those of Kiali, "
        "Grafana and the check in the cluster; none takes `prometheusCredentials` of secret configuration.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "Auth":
        if (self.type == "basic") != (self.username is not None):
            raise expected("a username for type basic, and none for type bearer")
        return self
