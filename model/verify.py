"""The check of the deployment that runs in the cluster."""

from pydantic import Field, model_validator

from model.parts import Resources, Section
from model.scalars import Flag, HttpUrl, Image, expected
from model.schedules import Schedule


class Verify(Section):
    """The same check as `python -m verify`, again and again in a pod in the mesh's namespace."""

    enabled: Flag = Field(default=False, description="Whether `python -m verify` also runs in the cluster.")
    schedule: Schedule = Field(default="*/10 * * * *", description="When it runs there: a schedule of cron.")
    image: Image | None = Field(
        default=None,
        examples=["registry.example.com/mesh-tracing-verify:1.0.0"],
        description="Its image, which `verify/Containerfile` makes; required for `verify.enabled`.",
    )
    probe: HttpUrl | None = Field(
        default=None,
        examples=["http://web.shop.svc.cluster.local:8080/"],
        description="Where it sends requests; none takes Bookinfo's page, or, without Bookinfo, sends none.",
    )
    resources: Resources = Field(
        default=Resources(requests={"cpu": "50m", "memory": "96Mi"}, limits={"memory": "512Mi"}),
        description="Requests and limits.",
    )

    @model_validator(mode="after")
    def _image_is_known(self) -> "Verify":
        if self.enabled and self.image is None:
            raise expected("an image for enabled: build verify/Containerfile, push it to a registry, and name it here")
        return self
