"""A Django project in one file. `init` may stand anywhere before the first request, also in settings.py."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

import tollspan

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="an example's",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
tollspan.init("shop", service_version="1.0.0", environment="example")


def show_item(request: HttpRequest, number: int) -> JsonResponse:
    with tollspan.unit(request.headers.get("X-Customer")), tollspan.span("find price"):
        return JsonResponse({"item": number, "price": number * 3})


urlpatterns = [path("items/<int:number>", show_item)]
application = get_wsgi_application()
