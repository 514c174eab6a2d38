"""The marketplace's own pages, and who is signed in."""

from typing import Any

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from examples.talent.messaging import messages
from examples.talent.models import Member, Role


def frame(request: HttpRequest) -> dict[str, Any]:
    """What every template has: the links for messages, and the badge when it is shown."""
    return {"head": messages.head, "badge": lambda: messages.badge(request)}


@require_GET
def front(request: HttpRequest) -> HttpResponseBase:
    """Everybody, talent in front."""
    everybody = Member.objects.filter(is_active=True).order_by("pk")[:200]
    groups = [
        ("Talent", [it for it in everybody if it.role == Role.TALENT]),
        ("Who is looking for talent", [it for it in everybody if it.role != Role.TALENT]),
    ]
    return render(request, "talent/front.html", {"groups": groups})


@require_GET
def profile(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Somebody, and the way to write to them."""
    member = get_object_or_404(Member, pk=pk, is_active=True)
    button = messages.message_button(request, str(pk))
    return render(request, "talent/profile.html", {"member": member, "button": button})


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """A password would be asked for here; in this marketplace everybody may be anybody."""
    if request.method == "POST":
        member = get_object_or_404(Member, username=request.POST.get("username"), is_active=True)
        return _entered(request, member)
    return _sign_in_page(request)


@require_POST
def register(request: HttpRequest) -> HttpResponseBase:
    """Open an account."""
    member = Member(
        username=request.POST.get("username", "").strip(), role=request.POST.get("role", "")
    )
    member.set_unusable_password()
    # As a form would: the database refuses a name that is taken, and a role there is not.
    from django.core.exceptions import ValidationError

    try:
        member.full_clean()
    except ValidationError as refusal:
        return _sign_in_page(request, refusal.messages)
    member.save()
    return _entered(request, member)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Leave."""
    logout(request)
    return redirect("/")


@login_required
@require_http_methods(["GET", "POST"])
def subscription(request: HttpRequest) -> HttpResponseBase:
    """Where a subscription is sold, and ended."""
    if request.method == "POST":
        if "end" in request.POST:
            request.user.unsubscribe()
        elif request.user.gains_by_paying:
            request.user.subscribe()
        return redirect("/subscription")
    return render(request, "talent/subscription.html")


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponseBase:
    """Delete one's account."""
    if request.method == "POST":
        member = request.user
        logout(request)
        member.delete()
        return redirect("/")
    return render(request, "talent/account.html")


def _sign_in_page(request: HttpRequest, refusals: list[str] | None = None) -> HttpResponse:
    context = {
        "members": Member.objects.filter(is_active=True).order_by("pk")[:100],
        "roles": Role.choices,
        "refusals": refusals or [],
        "typed": request.POST.get("username", ""),
    }
    return render(request, "talent/sign_in.html", context, status=409 if refusals else 200)


def _entered(request: HttpRequest, member: Member) -> HttpResponse:
    login(request, member, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")
