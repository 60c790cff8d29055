from django.apps import AppConfig


class MeetEasyConfig(AppConfig):
    name = "meeteasy"

    def ready(self) -> None:
        from meeteasy import (
            receivers,  # noqa: F401  connects itself
            telemetry,
        )
        from meeteasy.telemetry import checks  # noqa: F401  registers itself

        telemetry.start()
