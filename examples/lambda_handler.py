"""A function of AWS Lambda: what it records is delivered before its process is frozen."""

from typing import Any

import tollspan

tollspan.init("thumbnails", service_version="1.0.0", environment="example")


@tollspan.serverless
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    with tollspan.unit(event["customer"]), tollspan.span("make thumbnail", {"image": event["image"]}):
        tollspan.log("info", "thumbnail made")
        return {"statusCode": 200}
